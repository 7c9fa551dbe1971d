"""References to paths of this machine."""

import os
from pathlib import Path

import pytest

from weighbridge.core.artifact import ArtifactKind
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, UsageError
from weighbridge.sources.local import locate


def test_a_directory_is_found_with_its_name(tmp_path: Path) -> None:
    """A directory reference becomes a handle with the directory's base name."""
    (tmp_path / "bert").mkdir()
    handle = locate(tmp_path / "bert")
    assert (handle.kind, handle.name) == (ArtifactKind.DIRECTORY, "bert")
    assert handle.default_signature == tmp_path.resolve() / "bert" / "model.sig"


def test_a_file_has_its_signature_beside_it(tmp_path: Path) -> None:
    """The signature of a single-file model lies beside it, under its name and `.sig`."""
    (tmp_path / "m.safetensors").write_bytes(b"x")
    handle = locate(str(tmp_path / "m.safetensors"))
    assert handle.kind is ArtifactKind.FILE
    assert handle.default_signature.name == "m.safetensors.sig"


def test_a_dot_takes_the_directory_s_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`.` says nothing, so the resolved directory's name stands for it."""
    (tmp_path / "bert").mkdir()
    monkeypatch.chdir(tmp_path / "bert")
    assert locate(".").name == "bert"


@pytest.mark.parametrize("text", ["", "nothing/here", "a\0b"])
def test_what_is_not_there_is_a_usage_error(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reference to nothing is the caller's mistake, with its own code."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        locate(text)
    assert caught.value.code is Code.REFERENCE_NOT_FOUND


@pytest.mark.parametrize("text", ["hf://org/name", "oci://host/name", "HTTPS://x/y"])
def test_a_scheme_that_no_source_serves_is_refused(text: str) -> None:
    """A URL is never taken for a path, even if a path of that spelling could exist."""
    with pytest.raises(UsageError) as caught:
        locate(text)
    assert caught.value.code is Code.REFERENCE_UNSUPPORTED


def test_a_pipe_is_no_artifact(tmp_path: Path) -> None:
    """A named pipe is refused without being opened."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactRefusedError) as caught:
        locate(tmp_path / "pipe")
    assert caught.value.code is Code.SPECIAL_FILE


def test_a_link_in_the_reference_is_followed_once(tmp_path: Path) -> None:
    """The caller's own symbolic link is resolved when the handle is made."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    handle = locate(tmp_path / "link")
    assert handle.root == tmp_path.resolve() / "real"
    assert handle.name == "link"
