"""KServe's storage initializer: what was verified gets into the volume, or nothing does."""

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from support.hub_models import files_below, write
from support.signed_model import SignedModel, make_signed_model, safetensors_file
from weighbridge.core.errors import MissingExtraError, OperationError, PolicyDeniedError, UsageError
from weighbridge.integrations.kserve import initialize, main

FILES = {"config.json": b"{}", "deep/model.safetensors": safetensors_file(w=[1.0])}
NOTE = ".cache/huggingface/download/config.json.metadata"


class Storage:
    """KServe's `Storage`, as far as it is used: it downloads from a directory of this machine."""

    origin: Path
    fails: Exception | None = None

    @staticmethod
    def download(uri: str, out_dir: str) -> str:
        """Put what *uri* names into *out_dir*, with the notes of a hub's client for `hf://`."""
        if Storage.fails is not None:
            raise Storage.fails
        write(Path(out_dir), files_below(Storage.origin))
        if uri.startswith("hf://"):
            write(Path(out_dir), {NOTE: b"etag"})
        return out_dir


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignedModel:
    """Return a signed model, which KServe's package downloads from any address."""
    made = make_signed_model(tmp_path, dict(FILES), rule={"match": '["s3/bucket/*", "hf/**"]'})
    package: Any = ModuleType("kserve_storage")
    package.Storage = Storage
    monkeypatch.setattr(Storage, "origin", made.root, raising=False)
    monkeypatch.setattr(Storage, "fails", None)
    monkeypatch.setitem(sys.modules, "kserve_storage", package)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    return made


@pytest.mark.parametrize("uri", ["s3://bucket/bert", "s3://bucket/bert/", "hf://acme/bert"])
def test_a_signed_model_gets_into_the_volume(model: SignedModel, tmp_path: Path, uri: str) -> None:
    """The verified files are there, no others, and nothing is left of the download."""
    volume = tmp_path / "mnt"
    write(volume, {"left/from/before": b"x"})
    here = Path.cwd()
    initialize([(uri, volume)], policy=tmp_path / "weighbridge.toml")
    assert files_below(volume) == FILES
    assert list((tmp_path / "scratch").iterdir()) == []
    assert Path.cwd() == here


@pytest.mark.parametrize("uri", ["s3://bucket/bert", "hf://acme/bert"])
def test_another_model_leaves_nothing(model: SignedModel, tmp_path: Path, uri: str) -> None:
    """One other byte, and the volume is empty, also of what was put into another before."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    volumes = [("s3://bucket/bert", good), (uri, bad)]
    bad.mkdir()

    class Second(Storage):
        @staticmethod
        def download(uri: str, out_dir: str) -> str:
            """Download, and change a byte of the second one."""
            if (good / "config.json").exists():
                write(Path(out_dir), {**FILES, "config.json": b"[]"})
                return out_dir
            return Storage.download(uri, out_dir)

    package: Any = sys.modules["kserve_storage"]
    package.Storage = Second
    with pytest.raises(PolicyDeniedError):
        initialize(volumes, policy=tmp_path / "weighbridge.toml")
    assert files_below(good) == files_below(bad) == {}
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_address_without_a_rule(model: SignedModel, tmp_path: Path) -> None:
    """The policy is about addresses: the same bytes from elsewhere are denied."""
    with pytest.raises(PolicyDeniedError):
        initialize([("gs://bucket/bert", tmp_path / "mnt")], policy=tmp_path / "weighbridge.toml")
    assert not (tmp_path / "mnt").exists()


@pytest.mark.parametrize("path", ["", ".", "..", "here", "here/sub", "policy", "model", "model/in"])
def test_what_is_needed_is_not_emptied(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A path with the working directory, the policy or the model in it keeps what it has."""
    policy = tmp_path / "policy" / "weighbridge.toml"
    rules = (tmp_path / "weighbridge.toml").read_bytes()
    write(tmp_path, {"here/sub/kept": b"x", "policy/weighbridge.toml": rules})
    (model.root / "in").mkdir()
    before = files_below(tmp_path)
    monkeypatch.chdir(tmp_path / "here" / "sub")
    place = Path(path) if path in {"", ".", ".."} else tmp_path / path
    with pytest.raises(UsageError, match="emptied first"):
        initialize([(f"file://{model.root}", place)], policy=policy)
    assert files_below(tmp_path) == before


def test_what_the_system_refuses_is_said(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the system is a line and an exit code, without a trace."""

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/mnt/models")

    monkeypatch.setattr("weighbridge.integrations.kserve.remove_tree", fail)
    write(tmp_path / "mnt", {"before": b"x"})
    policy = ["--policy", str(tmp_path / "weighbridge.toml")]
    done = CliRunner().invoke(main, [*policy, "s3://bucket/bert", str(tmp_path / "mnt")])
    assert done.exit_code == 1
    assert "/mnt/models: Permission denied [io-failed]" in done.output

    def fill(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("weighbridge.integrations.kserve.remove_tree", fill)
    done = CliRunner().invoke(main, [*policy, "s3://bucket/bert", str(tmp_path / "mnt")])
    assert done.output == "weighbridge: No space left on device [io-failed]\n"


def test_a_boundary_has_a_name(model: SignedModel, tmp_path: Path) -> None:
    """A variable that is not set does not choose the rule for every boundary."""
    policy = tmp_path / "weighbridge.toml"
    policy.write_text(policy.read_text().replace('boundary = ["load"]', 'boundary = ["*"]'))
    for boundary, code in (("anywhere", 0), ("", 2)):
        options = ["--policy", str(policy), "--boundary", boundary]
        done = CliRunner().invoke(main, [*options, "s3://bucket/bert", str(tmp_path / "mnt")])
        assert done.exit_code == code, done.output


def test_a_file_of_the_hub_client_counts_elsewhere(model: SignedModel, tmp_path: Path) -> None:
    """What the hub's client leaves is taken away for its own addresses only."""
    write(model.root, {NOTE: b"etag"})
    initialize([("hf://acme/bert", tmp_path / "mnt")], policy=tmp_path / "weighbridge.toml")
    with pytest.raises(PolicyDeniedError):
        initialize([("s3://bucket/bert", tmp_path / "mnt")], policy=tmp_path / "weighbridge.toml")


@pytest.mark.parametrize(
    "uri",
    [
        *("s3://bucket/../bert", "s3://bucket//bert", "s3://"),
        *("../s3://bucket/bert", "s3/bucket/https://bert", "/s3://bucket/bert", "://bucket/bert"),
    ],
)
def test_addresses_that_name_nothing(model: SignedModel, tmp_path: Path, uri: str) -> None:
    """Dots, empty segments and slashes in a scheme cannot make one address look like another."""
    with pytest.raises(UsageError):
        initialize([(uri, tmp_path / "mnt")], policy=tmp_path / "weighbridge.toml")


def test_a_download_that_fails(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever KServe's package raises is an error, and so is its absence."""
    monkeypatch.setattr(Storage, "fails", Exception("no such bucket"))
    with pytest.raises(OperationError, match="no such bucket"):
        initialize([("s3://bucket/bert", tmp_path / "mnt")], policy=tmp_path / "weighbridge.toml")
    monkeypatch.setitem(sys.modules, "kserve_storage", None)
    with pytest.raises(MissingExtraError):
        initialize([("s3://bucket/bert", tmp_path / "mnt")], policy=tmp_path / "weighbridge.toml")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_paths_may_be_relative(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Policy, its keys and the volume are found from where the program was started."""
    del model
    monkeypatch.chdir(tmp_path)
    initialize([("s3://bucket/bert", Path("mnt"))], policy=Path("weighbridge.toml"))
    assert files_below(tmp_path / "mnt") == FILES


def test_as_a_program(model: SignedModel, tmp_path: Path) -> None:
    """Local addresses need no download; the exit code is that of a check."""
    policy = tmp_path / "weighbridge.toml"
    policy.write_text(policy.read_text().replace('"s3/bucket/*"', '"model"'))
    options = ["--policy", str(policy)]
    runner = CliRunner()
    for uri in (f"file://{model.root}", os.fspath(model.root)):
        done = runner.invoke(main, [*options, uri, str(tmp_path / "mnt")])
        assert (done.exit_code, files_below(tmp_path / "mnt")) == (0, FILES), done.output
    (model.root / "config.json").write_bytes(b"[]")
    done = runner.invoke(main, [*options, str(model.root), str(tmp_path / "mnt")])
    assert done.exit_code == 10
    assert "policy-denied" in done.output
    assert files_below(tmp_path / "mnt") == {}
    assert runner.invoke(main, [*options, str(model.root)]).exit_code == 2
    missing = runner.invoke(main, [str(model.root), str(tmp_path / "mnt")])
    assert missing.exit_code not in {0, 10}


@pytest.mark.parametrize("later", ["mnt/a", "mnt/a/", "mnt", "link"])
def test_no_path_takes_away_what_is_at_another(
    model: SignedModel, tmp_path: Path, later: str
) -> None:
    """Paths that are the same, or of which the later one holds the earlier, are refused at once."""
    write(tmp_path / "mnt" / "a", {"left": b"x"})
    (tmp_path / "link").symlink_to("mnt/a")
    pairs = [("s3://bucket/bert", tmp_path / "mnt" / "a"), ("s3://bucket/bert", tmp_path / later)]
    with pytest.raises(UsageError, match="emptied first"):
        initialize(pairs, policy=tmp_path / "weighbridge.toml")
    assert files_below(tmp_path / "mnt") == {"a/left": b"x"}
    below = [("s3://bucket/bert", tmp_path / "mnt"), ("s3://bucket/bert", tmp_path / "mnt" / "b")]
    initialize(below, policy=tmp_path / "weighbridge.toml")
    assert files_below(tmp_path / "mnt" / "b") == FILES


@pytest.mark.parametrize("part", ["deep", "deep/model.safetensors", "elsewhere"])
def test_no_path_takes_away_a_part_of_a_model(
    model: SignedModel, tmp_path: Path, part: str
) -> None:
    """A path at which there is something of an earlier model is refused, and nothing is left."""
    (tmp_path / "elsewhere").symlink_to("mnt/deep")
    later = tmp_path / part if part == "elsewhere" else tmp_path / "mnt" / part
    pairs = [("s3://bucket/bert", tmp_path / "mnt"), ("s3://bucket/bert", later)]
    with pytest.raises(UsageError, match="part of an earlier model"):
        initialize(pairs, policy=tmp_path / "weighbridge.toml")
    assert files_below(tmp_path / "mnt") == {}


def test_a_link_in_a_download_leads_nowhere(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a link in a download leads to is not taken for the notes of the hub's client."""
    outside = write(tmp_path / "outside", {"huggingface/kept": b"x"})
    (model.root / "huggingface").mkdir()

    def download(_uri: str, out_dir: str) -> str:
        write(Path(out_dir), files_below(model.root))
        Path(out_dir, ".cache").symlink_to(outside)
        return out_dir

    monkeypatch.setattr(Storage, "download", staticmethod(download))
    with pytest.raises(PolicyDeniedError):
        initialize([("hf://acme/bert", tmp_path / "mnt")], policy=tmp_path / "weighbridge.toml")
    assert files_below(outside) == {"huggingface/kept": b"x"}
