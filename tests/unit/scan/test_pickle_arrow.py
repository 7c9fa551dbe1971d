"""Arrays of Arrow in pickles: what pandas writes passes, and nothing reaches beyond its buffers."""

from struct import pack

import pytest

from support import pickles as p
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RESTORE = p.name("pyarrow.lib", "_restore_array")
BUFFER = p.name("pyarrow.lib", "py_buffer")
CHUNKED = p.name("pyarrow.lib", "chunked_array")
STRINGS = p.name("pandas.arrays", "ArrowStringArray")
BYTEARRAY = p.name("builtins", "bytearray")
CODECS = p.name("_codecs", "encode")


def alias(name: str) -> bytes:
    """Return a type by its name."""
    return p.call(p.name("pyarrow.lib", "type_for_alias"), p.text(name))


def buffer(content: bytes) -> bytes:
    """Return a buffer as protocols 3 and 4 write it."""
    return p.call(BUFFER, p.call(BYTEARRAY, p.raw(content)))


def offsets(*places: int, code: str = "q") -> bytes:
    """Return a buffer of offsets."""
    return buffer(pack(f"<{len(places)}{code}", *places))


def restored(
    kind: bytes,
    *buffers: bytes,
    length: bytes | int = 2,
    nulls: bytes | int = 0,
    offset: bytes | int = 0,
    children: bytes = b"]",
    dictionary: bytes = p.NONE,
) -> bytes:
    """Return an array of *kind*."""
    counts = (
        p.integer(each) if isinstance(each, int) else each for each in (length, nulls, offset)
    )
    parts = (kind, *counts, p.list_of(*buffers), children, dictionary)
    return p.call(RESTORE, p.tuple_of(*parts))


def strings(array: bytes, *more: bytes) -> bytes:
    """Return a column of pandas around *array*."""
    return p.new(STRINGS) + p.dict_of(p.text("_pa_array"), array, *more) + p.BUILD


def rules(body: bytes) -> set[str]:
    """Return the rules that find something in a stream."""
    return rules_of(examined(p.stream(body, protocol=4), format=FileFormat.PICKLE))


TEXT = alias("large_string")
PLACES = offsets(0, 1, 2)
AB = buffer(b"ab")
NUMBERS = buffer(bytes(16))
GOOD = restored(TEXT, p.NONE, PLACES, AB)
LITERAL = p.call(BUFFER, p.raw(b"ab"))
PROTOCOL_2 = p.call(BUFFER, p.call(BYTEARRAY, p.call(CODECS, p.text("ab"), p.text("latin1"))))
PROTOCOL_5 = p.call(BUFFER, b"\x96" + pack("<Q", 2) + b"ab")
WITH_ZONE = p.call(p.name("pyarrow.lib", "timestamp"), p.text("ns"), p.text("UTC"))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(GOOD, id="text"),
        pytest.param(restored(alias("STRING"), p.NONE, offsets(0, 1, 2, code="i"), AB), id="small"),
        pytest.param(restored(TEXT, p.NONE, PLACES, LITERAL), id="bytes"),
        pytest.param(restored(TEXT, p.NONE, PLACES, PROTOCOL_2), id="protocol 2"),
        pytest.param(restored(TEXT, p.NONE, PLACES, PROTOCOL_5), id="protocol 5"),
        pytest.param(restored(TEXT, buffer(b"\1"), PLACES, AB, nulls=1), id="nulls"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, nulls=-1), id="nobody counted"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, length=1, offset=1), id="a part"),
        pytest.param(restored(TEXT, p.NONE, p.NONE, p.NONE, length=0), id="nothing"),
        pytest.param(p.call(BUFFER, p.call(BYTEARRAY)), id="no bytes"),
        pytest.param(
            p.call(BUFFER, p.call(p.name("builtins", "bytes"))), id="no bytes, protocol 2"
        ),
        pytest.param(restored(alias("int64"), p.NONE, NUMBERS), id="numbers"),
        pytest.param(restored(alias("bool"), p.NONE, buffer(b"\1"), length=8), id="bits"),
        pytest.param(restored(alias("null"), p.NONE, nulls=2), id="null"),
        pytest.param(restored(WITH_ZONE, p.NONE, NUMBERS), id="times"),
        pytest.param(p.call(CHUNKED, p.list_of(GOOD, GOOD), TEXT), id="chunks"),
        pytest.param(strings(GOOD), id="a column"),
        pytest.param(strings(p.call(CHUNKED, p.list_of(GOOD), TEXT)), id="a column of chunks"),
        pytest.param(strings(GOOD, p.text("_dtype"), TEXT), id="a column with its type"),
    ],
)
def test_what_pandas_writes_passes(body: bytes) -> None:
    """An array within its buffers is nothing to report, in each way that protocols write it."""
    assert rules(body) == set()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, length=3), id="longer than its offsets"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, offset=1), id="behind its offsets"),
        pytest.param(restored(TEXT, p.NONE, offsets(0, 1, 3), AB), id="behind its values"),
        pytest.param(restored(TEXT, p.NONE, offsets(0, 3, 2), AB), id="behind them meanwhile"),
        pytest.param(restored(TEXT, p.NONE, offsets(-9, 1, 2), AB), id="in front of its values"),
        pytest.param(restored(TEXT, p.NONE, PLACES, p.NONE), id="no values"),
        pytest.param(restored(TEXT, p.NONE, PLACES), id="a buffer less"),
        pytest.param(restored(TEXT, buffer(b""), PLACES, AB), id="nulls beyond their buffer"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, nulls=1), id="nulls without a buffer"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, nulls=-2), id="less than no nulls"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, length=-1), id="less than no values"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, length=p.TRUE), id="no count"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, children=p.list_of(GOOD)), id="children"),
        pytest.param(restored(TEXT, p.NONE, PLACES, AB, dictionary=GOOD), id="a dictionary"),
        pytest.param(restored(TEXT, p.NONE, PLACES, TEXT), id="a type for a buffer"),
        pytest.param(restored(alias("int64"), p.NONE, NUMBERS, length=3), id="more numbers"),
        pytest.param(restored(alias("int64"), p.NONE), id="no numbers"),
        pytest.param(restored(alias("bool"), p.NONE, buffer(b"\1"), length=9), id="more bits"),
        pytest.param(restored(alias("null"), NUMBERS, nulls=2), id="null with a buffer"),
        pytest.param(restored(alias("string_view"), p.NONE, NUMBERS), id="an unknown type"),
        pytest.param(restored(p.text("int64"), p.NONE, NUMBERS), id="a name for a type"),
        pytest.param(p.call(RESTORE, TEXT), id="a part for all"),
        pytest.param(p.call(RESTORE), id="no parts"),
        pytest.param(p.call(CHUNKED, p.list_of(p.list_of()), TEXT), id="chunks of something else"),
        pytest.param(p.call(CHUNKED, GOOD, TEXT), id="a chunk for chunks"),
        pytest.param(p.call(CHUNKED, p.list_of(GOOD)), id="no type"),
        pytest.param(p.call(BUFFER, p.integer(8)), id="a number for bytes"),
        pytest.param(p.call(BUFFER, p.call(BYTEARRAY, p.integer(8))), id="room for bytes"),
        pytest.param(p.call(BUFFER), id="nothing for bytes"),
        pytest.param(p.call(BUFFER, p.call(BYTEARRAY) + p.MARK + b"K\1e"), id="bytes that grow"),
        pytest.param(strings(p.list_of()), id="a column of something else"),
        pytest.param(strings(GOOD, p.text("__class__"), TEXT), id="a column of another class"),
        pytest.param(p.dict_of(p.text("sort"), RESTORE), id="kept for later"),
    ],
)
def test_what_reaches_beyond_is_blocked(body: bytes) -> None:
    """An array that its buffers do not hold, or that is made of something else, is found."""
    assert rules(body) & {"pickle-argument", "pickle-unknown-global"}


def test_a_buffer_that_changes_is_found() -> None:
    """Bytes that are replaced after an array was made of them are no longer those it was made of."""
    content = b"\x96" + pack("<Q", 24) + pack("<3q", 0, 1, 2) + p.put(9)
    array = restored(TEXT, p.NONE, p.call(BUFFER, content), AB)
    later = p.get(9) + p.integer(0) + p.integer(255) + b"s"
    assert rules(p.tuple_of(array, p.get(9))) == set()
    assert rules(p.tuple_of(array, later)) != set()
