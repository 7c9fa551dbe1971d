"""The reader of protobuf messages."""

import pytest

from support.protobuf import field, message, varint
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits import weights as limits
from weighbridge.formats.protobuf import Document, OddityKind, Schema, load_schema
from weighbridge.formats.protobuf import message as reader

ONNX = load_schema("onnx")


def document(data: bytes, *, schema: Schema = ONNX) -> Document:
    """Return *data* as a document."""
    return Document(BytesSource(data), schema=schema)


def names(data: bytes, kind: str = "ModelProto") -> list[tuple[str, int]]:
    """Return names and values of the fields of *data*."""
    return [(f.name, f.value) for f in document(data).root(kind).fields()]


def test_fields() -> None:
    """Fields come in the order of the file, with their names and values."""
    data = message((1, 8), (2, "maker"), (5, -1))
    assert names(data) == [("ir_version", 8), ("producer_name", 0), ("model_version", 2**64 - 1)]
    last = list(document(data).root("ModelProto").fields())[-1]
    assert last.signed == -1


@pytest.mark.parametrize("name", ["onnx", "tensorflow", "coreml"])
def test_schemas_are_whole(name: str) -> None:
    """Each message that a field can hold is in the schema."""
    schema = load_schema(name)
    held = {f.message for fields in schema.messages.values() for f in fields.values()}
    assert held - {""} <= set(schema.messages)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01",  # field 0
        b"\x0b",  # a group
        b"\x0c",  # its end
        b"\x0e",  # wire type 6
        b"\x08",  # no number
        b"\x08\x80",  # a number that does not end
        b"\x08" + b"\xff" * 10 + b"\x01",  # more than 64 bits
        b"\x12\x05abcd",  # shorter than it says
        b"\x12" + varint(2**63) + b"a",
        b"\x0d\x00\x00",  # a cut number of 32 bits
        varint(1 << 35) + b"\x01",  # a tag of more than 32 bits
    ],
)
def test_malformed(data: bytes) -> None:
    """What no reader of protobuf takes is refused."""
    with pytest.raises(MalformedContentError):
        document(data).root("ModelProto").validate()


def test_message_that_ends_behind_its_parent() -> None:
    """A message within a message ends with it, though there are bytes behind."""
    inner = field(2, b"abc")[:-1]
    data = field(7, inner) + field(2, "maker")
    with pytest.raises(MalformedContentError, match="past its message"):
        document(data).root("ModelProto").validate()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (field(99, 1), OddityKind.UNKNOWN_FIELD),
        (field(1, 1) + field(1, 1), OddityKind.REPEATED_FIELD),
        (field(1, b"x"), OddityKind.OTHER_WIRE_TYPE),
        (field(7, field(11, field(2, field(1, b"") + field(4, b"")))), OddityKind.REPEATED_FIELD),
    ],
)
def test_oddities(data: bytes, kind: OddityKind) -> None:
    """What readers take and writers do not write is noted."""
    whole = document(data)
    whole.root("ModelProto").validate()
    assert [odd.kind for odd in whole.oddities] == [kind]


def test_no_oddities() -> None:
    """Repeated fields, packed or not, and single ones are what writers write."""
    data = field(8, field(2, 1)) + field(8, field(2, 1)) + field(1, 8)
    tensor = field(1, 2) + field(1, 3) + field(1, varint(4) + varint(5))
    whole = document(data)
    whole.root("ModelProto").validate()
    part = document(tensor)
    dims = [n for f in part.root("TensorProto").fields() for n in f.numbers(10)]
    assert (dims, whole.oddities, part.oddities) == ([2, 3, 4, 5], (), ())


def test_numbers_are_bounded() -> None:
    """A packed field of more numbers than asked for is a limit."""
    (dims,) = document(field(1, b"\x01" * 11)).root("TensorProto").fields()
    assert len(dims.numbers(11)) == 11
    with pytest.raises(LimitExceededError):
        dims.numbers(10)


def test_text_is_bounded_and_utf8() -> None:
    """A text longer than the limit is a limit, one that is no UTF-8 is malformed."""
    (short, broken) = document(field(2, "maker") + field(3, b"\xff")).root("ModelProto").fields()
    assert short.text() == "maker"
    with pytest.raises(LimitExceededError):
        short.text(limit=4)
    with pytest.raises(MalformedContentError, match="UTF-8"):
        broken.text()


def test_bytes_are_stepped_over() -> None:
    """What a field holds is not read unless it is asked for."""

    class Counting(BytesSource):
        read = 0

        def read_at(self, offset: int, length: int, /) -> bytes:
            data = super().read_at(offset, length)
            Counting.read += len(data)
            return data

    source = Counting(field(9, bytes(50_000_000)) + field(8, "w"))
    Document(source, schema=ONNX).root("TensorProto").validate()
    assert Counting.read < 1_000_000


def test_fields_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More fields than the limit are a limit, and the caller's check is called on the way."""
    calls: list[int] = []
    data = field(1, 1) * 20_000
    monkeypatch.setattr(reader, "MAX_PROTOBUF_FIELDS", 8192)
    whole = Document(BytesSource(data), schema=ONNX, check=lambda: calls.append(1))
    with pytest.raises(LimitExceededError, match="too many fields"):
        whole.root("TensorProto").validate()
    assert calls


def test_depth_is_bounded() -> None:
    """Messages within messages end at the limit of other readers."""
    data = b""
    for _ in range(limits.MAX_PROTOBUF_DEPTH + 1):
        data = field(4, field(1, data))  # TypeProto.sequence_type.elem_type
    with pytest.raises(LimitExceededError, match="messages within"):
        document(data).root("TypeProto").validate()


def test_oddities_are_bounded() -> None:
    """Oddities beyond the limit are counted and not kept."""
    whole = document(field(99, 1) * 500)
    whole.root("ModelProto").validate()
    assert (len(whole.oddities), whole.odd_count) == (limits.MAX_PROTOBUF_ODDITIES, 500)
