"""Inputs on a model hub: fetched at one commit, and held against what the hub lists."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hub import COMMIT, Hub, served
from weighbridge.core.errors import ArtifactChangedError, OperationError
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.describe import digest
from weighbridge.pipeline.recording.inputs import GivenInput, Input, take_inputs

huggingface_hub = pytest.importorskip("huggingface_hub")

FILES = {"config.json": b"{}", "weights/a.bin": b"a"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a model on the loopback interface."""
    hub = Hub(files=dict(FILES))
    with served(hub) as url:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        yield hub


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the hub's library find the model in a cache, as links to files named by digests."""
    snapshot = tmp_path / "snapshots" / COMMIT
    (tmp_path / "blobs").mkdir()
    for number, (path, content) in enumerate(FILES.items()):
        (tmp_path / "blobs" / str(number)).write_bytes(content)
        (snapshot / path).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / path).symlink_to(tmp_path / "blobs" / str(number))

    def download(repository: str, *, revision: str) -> str:
        assert (repository, revision) == ("acme/tiny", COMMIT)
        return os.fspath(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return snapshot


def take(reference: str = "hf://acme/tiny@main") -> Input:
    """Take one input."""
    (taken,) = take_inputs([GivenInput(reference=reference)], symlinks=SymlinkRule.REFUSE)
    return taken


@pytest.mark.usefixtures("hub")
def test_an_input_is_named_by_reference_and_commit(cache: Path) -> None:
    """The name is what was written, the address has the commit, the digests are of the copy."""
    taken = take()
    assert taken.name == "hf://acme/tiny@main"
    assert taken.uri == f"hf://acme/tiny@{COMMIT}"
    assert taken.artifact.binding == digest(cache, allow_symlinks=True).binding


@pytest.mark.usefixtures("hub")
def test_the_files_behind_the_links_are_declared(cache: Path) -> None:
    """A step that reads the cache reads files outside of the model's folder."""
    blobs = Path(os.path.realpath(cache.parents[1] / "blobs"))
    assert {os.fspath(blobs / "0"), os.fspath(blobs / "1")} <= set(take().places)


@pytest.mark.usefixtures("hub")
def test_a_file_that_the_hub_does_not_have_is_refused(cache: Path) -> None:
    """What somebody put into the cache is no part of the hub's model."""
    (cache / "more.bin").write_text("x")
    with pytest.raises(ArtifactChangedError, match="does not have"):
        take()


@pytest.mark.usefixtures("hub")
def test_a_copy_that_is_not_complete_is_refused(cache: Path) -> None:
    """A cache that has some of the files is no copy of the model."""
    (cache / "config.json").unlink()
    with pytest.raises(OperationError, match="every file"):
        take()


@pytest.mark.usefixtures("hub")
def test_a_download_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the hub's library is one of ours."""

    def fail(*_arguments: object, **_named: object) -> str:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(OperationError, match="no route"):
        take()
