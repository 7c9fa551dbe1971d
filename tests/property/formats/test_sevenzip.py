"""The 7z reader on changed archives: it raises its two errors, and keeps to its bounds."""

import contextlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.sevenzip import open_folder, read_archive

_FOLDER = Path(__file__).parents[2] / "vectors" / "containers"
_SEEDS = [path.read_bytes() for path in sorted(_FOLDER.glob("*.7z"))]


def _nothing(_: int = 0) -> None:
    """Spend nothing, and let no time pass."""


def _read_all(data: bytes) -> None:
    """Read the archive and unpack everything in it."""
    source = BytesSource(data)
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        found = read_archive(source, check_time=_nothing)
        for folder in found.folders:
            with contextlib.suppress(MalformedContentError, LimitExceededError):
                open_folder(source, folder, spend=_nothing, check_time=_nothing)


@given(
    seed=st.sampled_from(_SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 40),
)
def test_changed_archives(seed: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    """Whatever is changed in an archive, it is read, malformed, or beyond a bound."""
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    _read_all(bytes(data[: len(data) - cut]))


@given(data=st.binary(max_size=300))
def test_any_header(data: bytes) -> None:
    """Any bytes as a header are read, malformed, or beyond a bound."""
    head = b"7z\xbc\xaf\x27\x1c\0\4" + bytes(12) + len(data).to_bytes(8, "little") + bytes(4)
    _read_all(head + data)
