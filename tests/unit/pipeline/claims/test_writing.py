"""Tests of appending claims: whole or not at all, one at a time, each once."""

import errno
import fcntl
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from support.claims import bundle, write_files
from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, OperationError, SignatureRejectedError
from weighbridge.pipeline.claims import reading, writing
from weighbridge.pipeline.claims.reading import claims_place, read_claims
from weighbridge.pipeline.claims.writing import append_claim, append_claims
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate


@pytest.fixture
def model(tmp_path: Path) -> LocalHandle:
    """Make a model without claims."""
    return write_files(tmp_path / "model", {"config.json": b"{}"})


def names(handle: LocalHandle) -> list[str]:
    """Return what lies in the model."""
    return sorted(path.name for path in handle.root.iterdir())


def test_claims_are_appended_in_order_and_once(model: LocalHandle) -> None:
    """A claim that is there already is not appended again; the others keep their places."""
    assert append_claims(model, [bundle("a"), bundle("b"), bundle("a")]) == 2
    assert append_claim(model, bundle("b")) == 0
    assert append_claims(model, [bundle("c"), bundle("a")]) == 1
    assert [line.data for line in read_claims(model).lines] == [
        bundle("a"),
        bundle("b"),
        bundle("c"),
    ]
    assert names(model) == ["config.json", "model.claims.jsonl"]


def test_a_single_file_has_its_claims_beside_it(model: LocalHandle) -> None:
    """The claims of a file are appended beside it, and not to those of its directory."""
    alone = locate(model.root / "config.json")
    append_claim(alone, bundle("a"))
    assert names(model) == ["config.json", "config.json.claims.jsonl"]


@pytest.mark.parametrize("before", [b"no json", bundle("x"), b"\n\n" + bundle("x") + b"\r\n"])
def test_what_was_there_stays_byte_by_byte(model: LocalHandle, before: bytes) -> None:
    """Lines that cannot be read are kept, and a last line without a break is ended."""
    place = claims_place(model)
    place.write_bytes(before)
    append_claim(model, bundle("a"))
    gap = b"" if before.endswith(b"\n") else b"\n"
    assert place.read_bytes() == before + gap + bundle("a") + b"\n"


@pytest.mark.parametrize("broken", [b"", b"{}", b"no json", bundle("b")[:-2]])
def test_one_broken_bundle_keeps_all_out(model: LocalHandle, broken: bytes) -> None:
    """Either all of them are appended or none is."""
    with pytest.raises(SignatureRejectedError):
        append_claims(model, [bundle("a"), broken])
    assert names(model) == ["config.json"]


@pytest.mark.parametrize("bound", ["MAX_CLAIMS", "MAX_CLAIMS_BYTES"])
def test_nothing_is_appended_beyond_the_bounds(
    model: LocalHandle, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """What could not be read again is not written."""
    append_claim(model, bundle("a"))
    if bound == "MAX_CLAIMS":
        monkeypatch.setattr(reading, bound, 1)
    else:
        monkeypatch.setattr(writing, bound, len(bundle("a")) + 1)
    with pytest.raises(LimitExceededError):
        append_claim(model, bundle("b"))
    assert claims_place(model).read_bytes() == bundle("a") + b"\n"


@pytest.mark.parametrize("what", ["link", "broken link", "directory", "pipe"])
def test_nothing_but_a_regular_file_is_appended_to(
    model: LocalHandle, tmp_path: Path, what: str
) -> None:
    """A link is neither followed nor replaced, wherever it leads; a pipe is not waited for."""
    place = claims_place(model)
    elsewhere = tmp_path / "elsewhere"
    if what == "link":
        elsewhere.write_bytes(b"precious\n")
        place.symlink_to(elsewhere)
    elif what == "broken link":
        place.symlink_to(elsewhere)
    elif what == "directory":
        place.mkdir()
    else:
        os.mkfifo(place)
    with pytest.raises(OperationError) as caught:
        append_claim(model, bundle("a"))
    assert caught.value.code is Code.SPECIAL_FILE
    assert elsewhere.exists() is (what == "link")
    if what == "link":
        assert elsewhere.read_bytes() == b"precious\n"
        assert place.is_symlink()


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_failure_leaves_what_was_there_and_no_trace(
    model: LocalHandle, monkeypatch: pytest.MonkeyPatch, failure: BaseException, at: str
) -> None:
    """A full disk or an interrupt changes nothing, and leaves no file that nobody signed."""
    append_claim(model, bundle("a"))

    def fail(*_: object) -> None:
        raise failure

    if at == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises((OperationError, KeyboardInterrupt)):
        append_claim(model, bundle("b"))
    assert claims_place(model).read_bytes() == bundle("a") + b"\n"
    assert names(model) == ["config.json", "model.claims.jsonl"]


def test_the_file_keeps_its_permissions(model: LocalHandle) -> None:
    """Who may read the claims does not change with another claim."""
    append_claim(model, bundle("a"))
    claims_place(model).chmod(0o600)
    append_claim(model, bundle("b"))
    assert stat.S_IMODE(claims_place(model).stat().st_mode) == 0o600


def test_writers_wait_for_each_other(model: LocalHandle) -> None:
    """While another writer has the directory nobody appends, and no claim is lost."""
    barrier = threading.Barrier(8)

    def append(number: int) -> Callable[[], None]:
        def run() -> None:
            barrier.wait()
            for part in range(4):
                append_claim(model, bundle(f"{number} {part}"))

        return run

    holder = os.open(model.root, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    threads = [threading.Thread(target=append(number)) for number in range(8)]
    for thread in threads:
        thread.start()
    assert names(model) == ["config.json"]
    os.close(holder)
    for thread in threads:
        thread.join()
    assert {line.data for line in read_claims(model).lines} == {
        bundle(f"{number} {part}") for number in range(8) for part in range(4)
    }


def test_a_directory_that_is_gone_is_an_error(model: LocalHandle) -> None:
    """An artifact that vanished since it was found is an error and no crash."""
    (model.root / "config.json").unlink()
    model.root.rmdir()
    with pytest.raises(OperationError):
        append_claim(model, bundle("a"))
