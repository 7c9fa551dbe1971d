"""Compressed files and saved programs on any bytes: nothing but the two errors, within bounds."""

import bz2
import contextlib
import gzip
import lzma
import zlib

import lz4.frame
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.streams import inflate
from weighbridge.formats.streams.large import WBITS, LargeContent
from weighbridge.formats.torchscript import read_names
from weighbridge.scan.program_names import imported_modules, is_arithmetic, is_guard, read_target

_CONTENT = b"some content, and some more " * 9
_SEEDS = {
    FileFormat.BZIP2: bz2.compress(_CONTENT),
    FileFormat.GZIP: gzip.compress(_CONTENT, mtime=0),
    FileFormat.LZ4: lz4.frame.compress(_CONTENT),
    FileFormat.XZ: lzma.compress(_CONTENT),
    FileFormat.ZLIB: zlib.compress(_CONTENT),
    FileFormat.ZSTD: zstd.compress(_CONTENT),
}
_LIMIT = 1 << 16


def _nothing(_: int = 0) -> None:
    """Spend nothing, and let no time pass."""


@given(
    file_format=st.sampled_from(sorted(_SEEDS)),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=5),
    tail=st.binary(max_size=40),
    junk=st.none() | st.binary(max_size=80),
)
def test_changed_streams(
    file_format: FileFormat, changes: list[tuple[int, int]], tail: bytes, junk: bytes | None
) -> None:
    """Whatever is changed, the content is bounded and what is in no stream is within the file."""
    data = bytearray(_SEEDS[file_format] if junk is None else junk)
    for at, value in changes:
        if data:
            data[at % len(data)] = value
    source = BytesSource(bytes(data) + tail)
    found = inflate(source, file_format, spend=_nothing, check_time=_nothing, limit=_LIMIT)
    assert len(found.content) <= _LIMIT
    assert all(0 <= start < end <= source.size for start, end in found.unread)
    if file_format in WBITS:
        large = LargeContent(source, WBITS[file_format], check_time=_nothing, limit=_LIMIT)
        start = bytes(found.content)
        assert large.read_at(0, large.size).startswith(start) or found.streams > 1


@given(text=st.text(max_size=60) | st.text(st.sampled_from("ab.\"'#\n ()0"), max_size=60))
def test_any_source(text: str) -> None:
    """Any text is cut into names or malformed, and every name stands in it."""
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        for chain in read_names(text.encode()):
            assert all(name in text for name in chain.names)


@given(text=st.text(max_size=60) | st.text(st.sampled_from("Ls0'[]().,=+*_ \\\"{}:"), max_size=60))
def test_any_program_text(text: str) -> None:
    """Any text of a program is judged; one that names an attribute of Python's is never harmless."""
    assert read_target(text) is None or "__" not in text
    imported_modules(text)
    if is_arithmetic(text):
        assert "." not in text.replace(" ", "") or any(c.isdigit() for c in text)
        assert is_guard(text)
