"""Rule `protobuf-structure`."""

import pytest

from support.protobuf import field, message, model, node
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RULE = "protobuf-structure"


def test_vector() -> None:
    """A graph that occurs twice is found, a single one is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    "extra",
    [
        field(99, b"anything"),
        field(1, 9),
        field(2, "again"),
        field(7, b""),
        field(5, "no number"),
    ],
)
def test_odd_fields(extra: bytes) -> None:
    """Unknown, repeated and mistyped fields of a model are found."""
    good = model(node("Abs"))
    assert not examined(good, format=FileFormat.ONNX)
    assert findings_of(RULE, examined(good + extra, format=FileFormat.ONNX))


def test_another_message_as_a_text() -> None:
    """A text with the control characters of a message in it is found."""
    hidden = message((2, message((1, message((1, "n"), (2, "WriteFile"))))))
    data = field(1, 1) + field(2, hidden) + model(node("Abs"))[8:]
    assert findings_of(RULE, examined(data, format=FileFormat.ONNX))


@pytest.mark.parametrize("tail", [b"\x0b", b"\x00\x00", b"\x0a\x05ab", b"\xff" * 11, b"\x08"])
def test_what_no_reader_takes(tail: bytes) -> None:
    """Bytes that no reader of protobuf takes are a gap."""
    data = model(node("Abs")) + tail
    assert "scan-malformed" in rules_of(examined(data, format=FileFormat.ONNX))
