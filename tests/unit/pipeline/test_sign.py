"""Signing writes a signature and nothing over anything else."""

import base64
import json
import os
from pathlib import Path

import pytest

import weighbridge as wb
from support.publisher import make_workplace
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, OperationError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, with a model and keys."""
    make_workplace(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _sign(signature: str | None = None) -> None:
    key = Path("publisher.key").read_bytes()
    wb.sign(
        "model",
        signer=wb.KeySigner.from_pem(key, password=None, where="publisher.key"),
        signature=signature,
    )


def test_a_model_file_is_not_replaced_by_a_signature(place: Path) -> None:
    """A slip in --signature costs nothing: the file stays, and the error names it."""
    before = (place / "model" / "config.json").read_bytes()
    with pytest.raises(OperationError, match=r"config\.json") as caught:
        _sign("model/config.json")
    assert caught.value.code is Code.OUTPUT_EXISTS
    assert (place / "model" / "config.json").read_bytes() == before


@pytest.mark.parametrize("name", ["model/model.sig", "elsewhere.bundle"])
def test_a_signature_is_replaced_by_a_new_one(place: Path, name: str) -> None:
    """Signing again writes the new signature in the old one's place, whatever it is called."""
    _sign(name)
    first = Path(name).read_bytes()
    _sign(name)
    assert Path(name).read_bytes() != first


def test_a_broken_signature_is_replaced(place: Path) -> None:
    """What is called a signature may be replaced even if it is none any more."""
    Path("model/model.sig").write_bytes(b"half")
    _sign()
    assert Path("model/model.sig").read_bytes().startswith(b"{")


def test_a_signer_can_be_made_while_the_files_are_read(place: Path) -> None:
    """A function that makes the signer is called once, and its signature verifies."""
    del place
    made: list[wb.KeySigner] = []

    def make() -> wb.KeySigner:
        made.append(wb.KeySigner.from_pem(Path("publisher.key").read_bytes()))
        return made[-1]

    wb.sign("model", signer=make)
    assert len(made) == 1
    verifier = wb.KeyVerifier.from_pem(Path("publisher.pub").read_bytes())
    assert wb.verify("model", verifier=verifier).identity == made[0].identity


def test_a_signer_that_cannot_be_made_leaves_nothing_behind(place: Path) -> None:
    """What the function raises is raised, and no signature is written."""

    def make() -> wb.KeySigner:
        return wb.KeySigner.from_pem(b"no key", where="somewhere.key")

    with pytest.raises(KeyRejectedError, match=r"somewhere\.key"):
        wb.sign("model", signer=make)
    assert not (place / "model" / "model.sig").exists()


def test_a_directory_whose_name_is_no_text_can_be_signed(place: Path) -> None:
    """Bytes that are not UTF-8 are escaped in the statement: no JSON has them, and nobody read it."""
    odd = place / os.fsdecode(b"bad\xff")
    (place / "model").rename(odd)
    key = wb.KeySigner.from_pem(Path("publisher.key").read_bytes(), password=None, where="k")
    wb.sign(odd, signer=key)
    public = wb.KeyVerifier.from_pem(Path("publisher.pub").read_bytes(), where="k")
    wb.verify(odd, verifier=public)
    assert rb"bad\\xff" in base64.b64decode(
        json.loads((odd / "model.sig").read_bytes())["dsseEnvelope"]["payload"]
    )
