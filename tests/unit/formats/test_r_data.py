"""R data is walked as R itself reads it, and code in it is noted."""

import struct

import pytest

from support.r_data import call, characters, file_of, item, symbol
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.r_data import Contents, read_r_data

NIL = item(254)
ATTRIBUTES = 0x200


def number(value: int) -> bytes:
    """Return an integer as the format has it."""
    return struct.pack(">i", value)


ONE = item(13) + number(1) + number(7)


def read(body: bytes) -> Contents:
    """Read a file with *body*."""
    return read_r_data(BytesSource(file_of(body)))


@pytest.mark.parametrize(
    "body",
    [
        item(4) + number(0) + NIL * 4,
        item(22) + NIL * 2,
        item(22 | ATTRIBUTES) + NIL * 3,
        item(23),
        item(23 | ATTRIBUTES) + NIL,
        item(25 | ATTRIBUTES) + NIL,
        item(238) + NIL * 3,
        item(249) + number(0) + number(1) + characters("base"),
        item(16) + number(2) + characters("a") + item(9) + number(-1),
        item(10) + number(2) + number(0) * 2,
        item(14 | ATTRIBUTES) + number(1) + bytes(8) + NIL,
        item(15) + number(1) + bytes(16),
        item(24) + number(3) + b"abc",
        item(13) + number(-1) + number(0) + number(1) + number(7),
        item(19) + number(3) + symbol("a") + item(255 | 1 << 8) + item(255) + number(1),
        item(19) + number(100_000) + ONE * 100_000,
    ],
    ids=lambda body: body[:4].hex() + f"-{len(body)}",
)
def test_data(body: bytes) -> None:
    """Each kind of data is read to its end and holds no code; without its end it is refused."""
    found = read(body)
    assert found.complete
    assert found.end == len(file_of(body))
    assert (found.promises, found.closures, found.calls, found.functions) == ((), (), (), ())
    if len(body) > 4:
        with pytest.raises(MalformedContentError):
            read(body[:-1])


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (call("f", ONE), "f"),
        (item(8) + number(6) + b"system", "system"),
        (item(19) + number(2) + symbol("f") + item(6) + item(255 | 1 << 8) + NIL, "f"),
    ],
)
def test_functions(body: bytes, name: str) -> None:
    """The name of what is called is noted, also where it is a reference or built in."""
    assert read(body).functions == (name,)


@pytest.mark.parametrize(
    "body",
    [
        item(18),
        item(246),
        item(255 | 1 << 8),
        item(255) + number(0),
        item(9) + number(-2),
        item(13) + number(-2),
        item(249) + number(1) + number(0),
    ],
)
def test_refused(body: bytes) -> None:
    """Kinds that there are not, references to nothing, and wrong lengths are refused."""
    with pytest.raises(MalformedContentError):
        read(body)


@pytest.mark.parametrize(
    "data",
    [
        b"C\n" + number(2) * 3,
        b"X\n" + number(4) + number(1) * 2 + NIL,
        b"X\n" + number(3) + number(1) * 2 + number(9999) + NIL,
        b"A\n2\n1\nx\n254\n",
        b"A\n2\n1\n1\n9\n1\n\\7x",
        b"A\n2\n1\n1\n" + b"1" * 200,
    ],
)
def test_refused_headers(data: bytes) -> None:
    """Other encodings, versions and words are refused."""
    with pytest.raises(MalformedContentError):
        read_r_data(BytesSource(data))


@pytest.mark.parametrize(
    "data",
    [
        b"X\n" + number(3) + number(1) * 2 + number(5) + b"UTF-8" + call("f", ONE),
        b"RDX2\nX\n" + number(2) + number(1) * 2 + call("f", ONE),
        b"B\n" + struct.pack("<iii", 2, 1, 1) + struct.pack("<6i", 6, 1, 9, 1, 0x66, 254)[:17]
        + struct.pack("<i", 254),
        b"A\n2\n1\n1\n6\n1\n9\n2\nf\\061\n254\n",
        b"A\r\n2\r\n1\r\n1\r\n6\r\n1\r\n9\r\n2\r\n\\146\\n\r\n254\r\n",
    ],
)  # fmt: skip
def test_encodings(data: bytes) -> None:
    """The same call is read in each encoding and version."""
    (name,) = read_r_data(BytesSource(data)).functions
    assert name.startswith("f")


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """More objects than the limit are refused, and the caller is asked now and then."""
    body = item(19) + number(9000) + NIL * 9000
    asked: list[None] = []
    read_r_data(BytesSource(file_of(body)), between=lambda: asked.append(None))
    assert len(asked) == 2
    monkeypatch.setattr("weighbridge.formats.r_data.reader.MAX_R_ITEMS", 9000)
    with pytest.raises(LimitExceededError):
        read(body)
