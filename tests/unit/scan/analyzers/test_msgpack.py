"""MessagePack: models of Flax pass, and what a reader unpickles is examined as a pickle."""

from pathlib import Path

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding
from weighbridge.formats.sniff import sniff

FOLDER = Path(__file__).parents[3] / "vectors" / "msgpack"
CALL = b"cos\nsystem\n(S'true'\ntR."
BINARY_CALL = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."


def binary(data: bytes) -> bytes:
    """Return *data* as a value."""
    return b"\xc4" + bytes([len(data)]) + data


def objects(data: bytes, *, kind: bytes = b"O") -> bytes:
    """Return an array as msgpack-numpy writes it."""
    fields = {b"nd": b"\xc3", b"kind": binary(kind), b"data": binary(data)}
    return b"\x83" + b"".join(binary(key) + value for key, value in fields.items())


def told(data: bytes, name: str = "model.msgpack") -> F:
    """Return the format of *data*."""
    return sniff(BytesSource(data), name=name).format


def scanned(data: bytes) -> set[str]:
    """Return what the scan says of *data*."""
    return rules_of(examined(data, format=F.MSGPACK, path="model.msgpack"))


@pytest.mark.parametrize("name", ["flax.msgpack", "values.msgpack", "objects.msgpack"])
def test_real_files(name: str) -> None:
    """What the libraries wrote is told, and clean."""
    data = FOLDER.joinpath(name).read_bytes()
    assert (told(data, name), scanned(data)) == (F.MSGPACK, set())


def test_a_pickle_by_its_name_stays_one() -> None:
    """A map that an unpickler would begin to read is a pickle where its name has it unpickled."""
    data = FOLDER.joinpath("flax.msgpack").read_bytes()
    assert data[0] in b"\x82\x83\x84"
    assert told(data, "model.pkl") is F.PICKLE
    assert told(data, "model.pt") is F.PICKLE
    assert told(data, "model") is F.MSGPACK


def test_a_call_settles_it() -> None:
    """What calls something is a pickle, though the same bytes are a map."""
    assert told(b"\x82\x01)R.", "model") is F.PICKLE
    assert told(b"\x82\xa1)R\xa1.\x01", "model") is F.PICKLE
    assert told(b"\x82\xa1)S\xa1.\x01", "model") is F.MSGPACK


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x81\xa1a\x93\x01\x02\xa1b", F.MSGPACK),
        (b"\x81\xa1a\x93\x01\x02", F.UNKNOWN),
        (b"\x81\xa1a\x93\x01\x02\xa1b\x00", F.UNKNOWN),
        (b"\x81\xa1\xff\x93\x01\x02\xa1b", F.UNKNOWN),
        (b"\x81\x01\x93\x01\x02\xa1b", F.MSGPACK),
        (b"\x81\xcf\x00\x00\x00\x00\x00\x00\x00\x01\x00", F.MSGPACK),
        (b"\x81\xc0\x93\x01\x02\xa1b", F.UNKNOWN),
        (b"\x91\x81\xa1a\x01", F.MSGPACK),
        (b"\x91\x81\xa1a\x01\x00", F.UNKNOWN),
        (b"\xdc\x01\x2c" + b"\xa1a" * 300, F.MSGPACK),
        (b"\xdc\x01\x2c" + b"\x01" * 300, F.UNKNOWN),
        (b"\x80", F.MSGPACK),
        (b"\x90", F.MSGPACK),
        (b"\x91", F.UNKNOWN),
        (b"\x81\xa1a\xc1\x01\x02\xa1b", F.UNKNOWN),
        (b"\xde\x00\x01\xd9\x01a\x93\x01\x02\xa1b", F.MSGPACK),
        (b"\x81\xa1a" + b"\xc6\x00\x01\x00\x00" + bytes(65536), F.MSGPACK),
        (b"\x81\xa1a" + b"\xc6\x00\x01\x00\x01" + bytes(65536), F.UNKNOWN),
    ],
)
def test_sniffing(data: bytes, expected: F) -> None:
    """A map with keys of text that ends with the file is told, and nothing less."""
    assert told(data, "model") is expected


def test_object_array() -> None:
    """The data of an object array are a pickle, whatever they begin with; other arrays are not."""
    found = examined(b"\x81\xa1a" + objects(CALL), format=F.MSGPACK, path="m.msgpack")
    assert "pickle-dangerous-global" in rules_of(found)
    assert {f.member for f in found if isinstance(f, Finding)} == {"data@26"}
    assert scanned(b"\x81\xa1a" + objects(CALL, kind=b"V")) == set()


def test_bytes_that_are_a_pickle() -> None:
    """Bytes that begin as a pickle are one, and other bytes are data."""
    assert "pickle-dangerous-global" in scanned(b"\x81\xa1a" + binary(BINARY_CALL))
    assert scanned(b"\x81\xa1a" + binary(b"\x80\x04N.")) == set()
    assert scanned(b"\x81\xa1a" + binary(b"\x81" + BINARY_CALL[1:])) == set()


def test_a_stream_of_values() -> None:
    """Values behind each other are all read."""
    assert "pickle-dangerous-global" in scanned(b"\x01\x80\x90" + binary(BINARY_CALL))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\xa1a", Code.SCAN_MALFORMED),
        (b"\xc1", Code.SCAN_MALFORMED),
        (b"\xc4\x05abc", Code.SCAN_MALFORMED),
        (b"\x91" * 1001 + b"\x01", Code.SCAN_LIMIT),
    ],
)
def test_gaps(data: bytes, code: Code) -> None:
    """What is cut, no value or too deep is a gap."""
    assert scanned(data) == {str(code)}


def test_the_deepest() -> None:
    """Values may lie a thousand deep in each other."""
    assert scanned(b"\x91" * 1000 + b"\x01") == set()
