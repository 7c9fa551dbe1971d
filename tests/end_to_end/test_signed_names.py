"""What another client's verification passes over, hole W20: every name that was signed is looked at."""

import shutil
from pathlib import Path

import pytest

from support.pki import curve_key, private_pem, public_pem
from support.signatures import parse_payload, refused, statement_document
from weighbridge.cli.main import run
from weighbridge.core.codes import Code


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A signed model, and its keys beside it."""
    monkeypatch.chdir(tmp_path)
    Path("k.key").write_bytes(private_pem(curve_key()))
    Path("k.pub").write_bytes(public_pem(curve_key()))
    place = Path("model")
    for name in ("config.json", ".gitweights", ".gitmodules.d/part.json"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("{}\n")
    assert run(["sign", "key", "model", "--private-key", "k.key"]) == 0
    assert verify() == 0
    return place


def verify() -> int:
    """Return the exit code of a verification."""
    return run(["verify", "key", "model", "--public-key", "k.pub"])


@pytest.mark.parametrize("name", [".gitweights", ".gitmodules.d/part.json"])
def test_w20_a_name_that_begins_like_git_is_a_file_like_any_other(model: Path, name: str) -> None:
    """Only Git's own files are left out, by their whole names; a changed one beside them is noticed."""
    (model / name).write_text('{"changed": 1}\n')
    assert verify() == 10


def test_w20_an_unsigned_name_that_begins_like_git_is_noticed(model: Path) -> None:
    """A directory whose name begins with `.git` hides nothing."""
    (model / ".github-weights").mkdir()
    (model / ".github-weights" / "more.json").write_text("{}\n")
    assert verify() == 10


def test_w20_a_directory_in_place_of_a_file_is_noticed(model: Path) -> None:
    """What was signed as a file and is a directory now is not passed over."""
    (model / "config.json").unlink()
    (model / "config.json").mkdir()
    assert verify() == 10
    shutil.rmtree(model / "config.json")
    assert verify() == 10


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside.json", "a//b", "a/../b"])
def test_w20_a_name_that_leads_out_of_the_model_is_refused(name: str) -> None:
    """A signed name is joined to nothing unless it is a path within the model."""
    document = statement_document()
    parse_payload(document)
    document["predicate"]["resources"][0]["name"] = name
    with refused(Code.RESOURCE_NAME):
        parse_payload(document)
