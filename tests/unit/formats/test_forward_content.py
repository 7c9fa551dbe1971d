"""Large streams that can only be decoded forwards are read at any position, and never held."""

import bz2
import lzma
import random
from collections.abc import Callable
from itertools import pairwise

import lz4.frame
import pytest
from backports import zstd

from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_DECODER_MEMORY
from weighbridge.formats.streams import forward
from weighbridge.formats.streams.forward import FORWARD, ForwardContent, TooSlowError

NOISE = random.Random(7).randbytes(5000)
DATA = (NOISE * 3)[:12_345]
WAYS: dict[F, Callable[[bytes], bytes]] = {
    F.BZIP2: bz2.compress,
    F.LZ4: lz4.frame.compress,
    F.XZ: lzma.compress,
    F.ZSTD: zstd.compress,
}


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep little, and decode in pieces of a few hundred bytes."""
    for name, value in {"PIECE": 1000, "_TAIL": 700, "_KEPT": 2, "MIB": 300, "_BLOCK": 64}.items():
        monkeypatch.setattr(forward, name, value)


def _open(
    data: bytes,
    file_format: F,
    *,
    prefix: bytes = b"",
    limit: int = 1 << 20,
    check_time: Callable[[], None] = lambda: None,
    check_pace: Callable[[], None] = lambda: None,
) -> ForwardContent:
    """Return the content of *data*."""
    return ForwardContent(
        BytesSource(data),
        file_format,
        prefix=memoryview(prefix),
        check_time=check_time,
        check_pace=check_pace,
        limit=limit,
    )


def test_every_format() -> None:
    """The formats are those whose decoders can only go forward."""
    assert set(WAYS) == FORWARD


@pytest.mark.parametrize("prefix", [0, 1, 999, 2500])
@pytest.mark.parametrize("cuts", [(), (4321,), (1000, 2000, 2000, 7777)])
@pytest.mark.parametrize("file_format", WAYS)
def test_any_position(file_format: F, cuts: tuple[int, ...], prefix: int) -> None:
    """Whatever is read in whatever order is what was compressed, in one stream or in several."""
    bounds = [0, *cuts, len(DATA)]
    parts = [DATA[a:b] for a, b in pairwise(bounds)]
    data = bytes(3).join(WAYS[file_format](part) for part in parts)
    found = _open(data, file_format, prefix=DATA[:prefix])
    assert (found.size, found.problem, found.end) == (len(DATA), None, len(data))
    places = random.Random(1)
    for _ in range(60):
        offset, length = places.randrange(13_000), places.randrange(3000)
        assert found.read_at(offset, length) == DATA[offset : offset + length]
    with pytest.raises(ValueError, match="negative"):
        found.read_at(-1, 2)


@pytest.mark.parametrize("file_format", WAYS)
def test_the_start_is_not_decoded_again(file_format: F) -> None:
    """What stands in the start, in the end or in the last piece costs nothing."""
    calls: list[None] = []
    found = _open(
        WAYS[file_format](DATA),
        file_format,
        prefix=DATA[:3000],
        check_time=lambda: calls.append(None),
    )
    calls.clear()
    assert found.read_at(100, 2000) == DATA[100:2100]
    assert found.read_at(len(DATA) - 500, 500) == DATA[-500:]
    assert not calls
    assert found.read_at(5000, 10) == DATA[5000:5010]
    assert calls
    calls.clear()
    assert found.read_at(5100, 10) == DATA[5100:5110]
    assert not calls


@pytest.mark.parametrize("file_format", WAYS)
def test_what_follows_is_not_read(file_format: F) -> None:
    """Bytes behind the last stream are left, and where they start is told."""
    data = WAYS[file_format](DATA)
    assert _open(data + b"more", file_format).end == len(data)


@pytest.mark.parametrize("file_format", WAYS)
def test_a_broken_stream(file_format: F) -> None:
    """A stream that is cut has the content that comes before, and a problem."""
    data = WAYS[file_format](DATA) + WAYS[file_format](NOISE)[:-9]
    found = _open(data, file_format)
    assert isinstance(found.problem, MalformedContentError)
    assert found.size >= len(DATA)
    whole = (DATA + NOISE)[: found.size]
    assert found.read_at(0, found.size) == whole
    assert found.read_at(11_000, 900) == whole[11_000:11_900]


@pytest.mark.parametrize("file_format", WAYS)
def test_bounds(file_format: F) -> None:
    """Content is decoded up to the limit, and while the caller has the time."""

    def stop() -> None:
        raise TooSlowError

    def end() -> None:
        raise LimitExceededError("the time is used up")

    data = WAYS[file_format](DATA)
    found = _open(data, file_format, limit=5000)
    assert isinstance(found.problem, LimitExceededError)
    assert 5000 <= found.size < len(DATA)
    with pytest.raises(TooSlowError):
        _open(data, file_format, check_pace=stop)
    with pytest.raises(LimitExceededError, match="time"):
        _open(data, file_format, check_time=end)


def test_a_stream_that_takes_too_much_memory() -> None:
    """What came before a stream that cannot be decoded in the memory for it is content."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": MAX_DECODER_MEMORY}]
    greedy = lzma.compress(b"x", filters=filters)
    content = _open(lzma.compress(DATA) + greedy, F.XZ)
    assert content.read_at(0, len(DATA) + 1) == DATA
    assert isinstance(content.problem, LimitExceededError)


def test_the_time_ends_between_streams() -> None:
    """The end of the time is no problem of the content, wherever it is met."""
    calls = iter(range(4))

    def check_time() -> None:
        if next(calls, None) is None:
            raise LimitExceededError("no more time", code=Code.SCAN_TIMEOUT)

    with pytest.raises(LimitExceededError, match="no more time"):
        _open(lzma.compress(b"a") + bytes(4000), F.XZ, check_time=check_time)
