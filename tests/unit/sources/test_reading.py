"""Small files that are not part of an artifact."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from weighbridge.core.errors import LimitExceededError, OperationError, UsageError
from weighbridge.sources.reading import read_if_present, read_named


def test_content_comes_back_whole(tmp_path: Path) -> None:
    """A file up to the limit is read to its last byte."""
    (tmp_path / "k").write_bytes(b"x" * 10)
    assert read_if_present(tmp_path / "k", limit=10) == b"x" * 10
    assert read_named(tmp_path / "k", limit=10, what="key") == b"x" * 10


def test_one_byte_over_the_limit_is_refused(tmp_path: Path) -> None:
    """A file one byte longer than the limit is refused and not cut."""
    (tmp_path / "k").write_bytes(b"x" * 11)
    with pytest.raises(LimitExceededError):
        read_if_present(tmp_path / "k", limit=10)
    with pytest.raises(LimitExceededError):
        read_named(tmp_path / "k", limit=10, what="key")


def test_nothing_there_is_none_or_an_error(tmp_path: Path) -> None:
    """An optional file that is absent is None; a file that the user named is an error."""
    assert read_if_present(tmp_path / "k", limit=10) is None
    with pytest.raises(UsageError, match="no such public key"):
        read_named(tmp_path / "k", limit=10, what="public key")


def test_a_pipe_in_an_artifact_is_refused_without_waiting(tmp_path: Path) -> None:
    """A pipe in the place of a signature neither blocks nor is read."""
    os.mkfifo(tmp_path / "model.sig")
    with pytest.raises(OperationError, match="not a regular file"):
        read_if_present(tmp_path / "model.sig", limit=10)


def test_a_directory_cannot_be_read(tmp_path: Path) -> None:
    """A directory in the place of a key is an error of the operation, not a crash."""
    with pytest.raises(OperationError, match="cannot be read"):
        read_named(tmp_path, limit=10, what="key")


def test_a_name_that_the_system_cannot_write_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """In an old locale, a name beyond its characters is an error of the machine, with a way out."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise UnicodeEncodeError("ascii", "Schlüssel.pub", 4, 5, "ordinal not in range")

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(OperationError, match="UTF-8") as caught:
        read_named(Path("Schlüssel.pub"), limit=10, what="public key")
    assert caught.value.found == "ascii"
