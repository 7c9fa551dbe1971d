"""Large deflate streams are read at any position, and never held."""

import gzip
import random
import zlib

import pytest

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.streams import large
from weighbridge.formats.streams.large import RAW_WBITS, WBITS, LargeContent

NOISE = random.Random(7).randbytes(5000)
DATA = (NOISE * 3)[:12_345]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the state of the decoder every thousand bytes."""
    monkeypatch.setattr(large, "PIECE", 1000)


def _open(
    data: bytes, wbits: int = WBITS[FileFormat.GZIP], *, limit: int = 1 << 20
) -> LargeContent:
    """Return the content of *data*."""
    return LargeContent(BytesSource(data), wbits, check_time=lambda: None, limit=limit)


def _raw(data: bytes) -> bytes:
    """Return a bare deflate stream."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("data", "wbits"),
    [
        (gzip.compress(DATA), WBITS[FileFormat.GZIP]),
        (gzip.compress(DATA[:4321]) + gzip.compress(DATA[4321:]), WBITS[FileFormat.GZIP]),
        (gzip.compress(DATA[:4000]) + gzip.compress(DATA[4000:]), WBITS[FileFormat.GZIP]),
        (zlib.compress(DATA), WBITS[FileFormat.ZLIB]),
        (_raw(DATA), RAW_WBITS),
    ],
    ids=["gzip", "two members", "two members at a piece", "zlib", "raw"],
)
def test_any_position(data: bytes, wbits: int) -> None:
    """Whatever is read in whatever order is what was compressed."""
    found = _open(data, wbits)
    assert (found.size, found.problem, found.end) == (len(DATA), None, len(data))
    places = random.Random(1)
    for _ in range(60):
        offset, length = places.randrange(13_000), places.randrange(3000)
        assert found.read_at(offset, length) == DATA[offset : offset + length]


def test_what_follows_is_not_read() -> None:
    """Bytes behind the last member are left, and where they start is told."""
    data = gzip.compress(DATA)
    assert _open(data + b"more").end == len(data)
    assert _open(zlib.compress(DATA) * 2, WBITS[FileFormat.ZLIB]).size == len(DATA)


def test_empty_content() -> None:
    """A stream may hold nothing."""
    assert _open(gzip.compress(b"")).read_at(0, 9) == b""


@pytest.mark.parametrize("cut", [9, 2000])
def test_broken_streams(cut: int) -> None:
    """What comes out before a stream breaks or ends too early is there."""
    data = gzip.compress(DATA)
    short = _open(data[:-cut])
    assert isinstance(short.problem, MalformedContentError)
    assert DATA.startswith(short.read_at(0, 20_000))
    broken = _open(data[:3000] + bytes(50) + data[3050:])
    assert broken.problem is not None


def test_the_limit() -> None:
    """Content beyond the limit is not gone through."""
    found = _open(gzip.compress(DATA), limit=2500)
    assert isinstance(found.problem, LimitExceededError)
    assert found.size == 3000


def test_positions_are_not_negative() -> None:
    """A negative position is the caller's mistake."""
    with pytest.raises(ValueError, match="negative"):
        _open(gzip.compress(DATA)).read_at(-1, 1)
