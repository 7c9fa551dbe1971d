"""Compressed files: every format that readers open, up to where they end, break or meet a bound."""

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable

import lz4.block
import lz4.frame
import pytest
from backports import zstd

from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError, MissingExtraError
from weighbridge.formats.streams import Inflated, content, decoders, inflate
from weighbridge.formats.streams.raw import PREFILTERS

DATA = b"some content, " * 400
Compress = Callable[[bytes], bytes]


def _legacy_lz4(data: bytes) -> bytes:
    """Return the legacy form of LZ4: blocks with their lengths before them."""
    out = b"\x02\x21\x4c\x18"
    for at in range(0, len(data), 8 << 20):
        block = lz4.block.compress(data[at : at + (8 << 20)], store_size=False)
        out += len(block).to_bytes(4, "little") + block
    return out


WAYS: dict[str, tuple[F, Compress]] = {
    "bzip2": (F.BZIP2, bz2.compress),
    "deflate": (F.DEFLATE, lambda data: zlib.compress(data, wbits=-zlib.MAX_WBITS)),
    "gzip": (F.GZIP, gzip.compress),
    "lz4": (F.LZ4, lz4.frame.compress),
    "lz4-legacy": (F.LZ4, _legacy_lz4),
    "lzma": (F.XZ, lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    "xz": (F.XZ, lzma.compress),
    "zlib": (F.ZLIB, zlib.compress),
    "zstd": (F.ZSTD, zstd.compress),
}
SKIPPED = b"\x5f\x2a\x4d\x18\x03\x00\x00\x00abc"


def _inflate(
    data: bytes, file_format: F, *, limit: int = 1 << 20, budget: int = 1 << 20
) -> Inflated:
    """Return what comes out of *data*."""
    left = [budget]

    def spend(count: int) -> None:
        left[0] -= count
        if left[0] < 0:
            raise LimitExceededError("too much")

    source = BytesSource(data)
    return inflate(source, file_format, spend=spend, check_time=lambda: None, limit=limit)


@pytest.mark.parametrize(("file_format", "compress"), WAYS.values(), ids=WAYS)
class TestEveryFormat:
    """What holds for all formats."""

    def test_content(self, file_format: F, compress: Compress) -> None:
        """The content is that which was compressed, and nothing else is in the file."""
        found = _inflate(compress(DATA), file_format)
        assert (bytes(found.content), found.streams) == (DATA, 1)
        assert (found.unread, found.problem) == ((), None)

    def test_empty_content(self, file_format: F, compress: Compress) -> None:
        """Nothing can be compressed, too."""
        assert bytes(_inflate(compress(b""), file_format).content) == b""

    def test_cut(self, file_format: F, compress: Compress) -> None:
        """A cut file is broken; what came out before is there."""
        data = compress(bytes(range(256)) * 4000)
        found = _inflate(data[: len(data) // 2 + 9], file_format)
        assert isinstance(found.problem, MalformedContentError)
        assert (bytes(range(256)) * 4000).startswith(bytes(found.content))

    def test_limit(self, file_format: F, compress: Compress) -> None:
        """Content beyond the limit is a problem; what lies within it is there."""
        found = _inflate(compress(DATA), file_format, limit=100)
        assert isinstance(found.problem, LimitExceededError)
        assert bytes(found.content) == DATA[:100]

    def test_budget(self, file_format: F, compress: Compress) -> None:
        """The callers' budget ends the content as well, before anything is inflated."""
        found = _inflate(compress(DATA), file_format, budget=-1)
        assert isinstance(found.problem, LimitExceededError)
        assert found.streams == 0


@pytest.mark.parametrize(
    "name", [name for name in WAYS if name not in {"deflate", "zlib", "lz4-legacy", "lzma"}]
)
def test_several_streams_are_one_content(name: str) -> None:
    """Streams behind each other are one content, padding between them counted as unread."""
    file_format, compress = WAYS[name]
    first = compress(b"first ")
    found = _inflate(first + bytes(3) + compress(b"second") + bytes(5), file_format)
    assert bytes(found.content) == b"first second"
    assert found.streams == 2
    assert found.unread[0] == (len(first), len(first) + 3)
    assert len(found.unread) == 2


def test_one_zlib_stream_only() -> None:
    """Readers of zlib files stop at the end of the stream."""
    first = zlib.compress(b"first")
    found = _inflate(first + zlib.compress(b"second"), F.ZLIB)
    assert bytes(found.content) == b"first"
    assert found.unread == ((len(first), len(first) + len(zlib.compress(b"second"))),)


@pytest.mark.parametrize("name", [name for name in WAYS if name not in {"lzma", "lz4-legacy"}])
def test_what_follows_is_unread(name: str) -> None:
    """Bytes behind the last stream that are none are unread, not a break."""
    file_format, compress = WAYS[name]
    data = compress(DATA)
    found = _inflate(data + b"this is no stream", file_format)
    assert (bytes(found.content), found.problem) == (DATA, None)
    assert found.unread == ((len(data), len(data) + 17),)


def test_a_second_stream_that_breaks() -> None:
    """A second stream that yields content before it breaks is a break."""
    found = _inflate(gzip.compress(b"first") + gzip.compress(DATA * 100)[:60], F.GZIP)
    assert isinstance(found.problem, MalformedContentError)
    assert found.streams == 2


@pytest.mark.parametrize(("name", "start"), [("lz4", F.LZ4), ("zstd", F.ZSTD), ("lz4", F.ZSTD)])
def test_skipped_frames(name: str, start: F) -> None:
    """Frames that readers skip are unread, and the frame behind them tells the format."""
    found = _inflate(SKIPPED + WAYS[name][1](DATA) + SKIPPED, start)
    assert bytes(found.content) == DATA
    assert found.unread[0] == (0, len(SKIPPED))
    assert len(found.unread) == 2


def test_frames_that_are_cut_or_none() -> None:
    """A skipped frame ends with the file at the latest, and what only looks like one is none."""
    assert _inflate(SKIPPED[:-1], F.ZSTD).unread == ((0, len(SKIPPED) - 1),)
    assert _inflate(b"\x50\x00\x00\x00" * 3, F.ZSTD).problem is not None


def test_legacy_blocks_and_what_follows() -> None:
    """What is no length of a legacy block ends the frame, and is unread."""
    data = _legacy_lz4(DATA)
    found = _inflate(data + b"\xff\xff\xff\xff", F.LZ4)
    assert bytes(found.content) == DATA
    broken = _inflate(b"\x02\x21\x4c\x18\x04\x00\x00\x00\xff\xff\xff\xff", F.LZ4)
    assert isinstance(broken.problem, MalformedContentError)


def test_too_many_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of streams is bounded."""
    monkeypatch.setattr(content, "MAX_ARCHIVE_MEMBERS", 3)
    found = _inflate(gzip.compress(b"x") * 4, F.GZIP)
    assert isinstance(found.problem, LimitExceededError)
    assert bytes(found.content) == b"xxx"


def test_memory_of_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that takes too much memory to decode is beyond a limit."""
    monkeypatch.setattr(decoders, "MAX_DECODER_MEMORY", 1 << 16)
    found = _inflate(lzma.compress(DATA, preset=9), F.XZ)
    assert isinstance(found.problem, LimitExceededError)


def test_large_windows_are_refused() -> None:
    """A Zstandard frame whose window is beyond the bound is broken."""
    frame = b"\x28\xb5\x2f\xfd\x00\xb8" + b"\x01\x00\x00"
    assert isinstance(_inflate(frame, F.ZSTD).problem, MalformedContentError)


@pytest.mark.parametrize(
    ("file_format", "modules"),
    [(F.LZ4, ("lz4.frame",)), (F.ZSTD, ("compression.zstd", "backports.zstd"))],
)
def test_missing_packages(
    file_format: F, modules: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a package is missing, the error has the command that installs it."""
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"weighbridge\[scan\]"):
        _inflate(b"\x28\xb5\x2f\xfd" if file_format is F.ZSTD else b"\x04\x22\x4d\x18", file_format)


def test_filters_without_properties() -> None:
    """Filters refuse properties that they cannot have."""
    for make in PREFILTERS.values():
        with pytest.raises(MalformedContentError):
            make(b"\0\0\0")
    assert PREFILTERS[b"\x03"](b"\x04")["dist"] == 5
    assert PREFILTERS[b"\x04"](b"")["id"] == lzma.FILTER_X86
