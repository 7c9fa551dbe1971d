"""Rule `safetensors-structure`."""

import json
import struct

import pytest

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RULE = "safetensors-structure"


def test_vector() -> None:
    """A file with a byte too many is found, one without is not."""
    assert_vector_holds(RULE)


def test_accounted_for() -> None:
    """A broken file is a finding and no gap: what is wrong with it is known."""
    evidence = examined(b"\x00" * 9, format=FileFormat.SAFETENSORS)
    assert rules_of(evidence) == {RULE}


def _file(header: object, data: bytes = b"") -> bytes:
    """Return a file with *header*, which may be text as it stands."""
    raw = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def _tensor(start: int, end: int, shape: tuple[int, ...] = (4,)) -> dict[str, object]:
    return {"dtype": "U8", "shape": list(shape), "data_offsets": [start, end]}


TENSOR = '"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}'
TRICKS = {
    "a header longer than the file": struct.pack("<Q", 1 << 40) + b"{}",
    "a length that overflows": struct.pack("<Q", 2**64 - 1) + b"{}",
    "a header without an end": _file("{"),
    "a nested header": _file("{" + '"a": {' * 1000 + "}" * 1001),
    "nested arrays": _file('{"a": {"dtype": "U8", "shape": ' + "[" * 500 + "]" * 500 + "}}"),
    "tensors over one another": _file({"a": _tensor(0, 4), "b": _tensor(2, 6)}, bytes(6)),
    "the same bytes twice": _file({"a": _tensor(0, 4), "b": _tensor(0, 4)}, bytes(4)),
    "a hole": _file({"a": _tensor(0, 4), "b": _tensor(6, 10)}, bytes(10)),
    "a hole at the start": _file({"a": _tensor(4, 8)}, bytes(8)),
    "a tensor outside the file": _file({"a": _tensor(0, 4)}, bytes(3)),
    "an end before the start": _file({"a": _tensor(4, 0)}, bytes(4)),
    "bytes behind the tensors": _file({"a": _tensor(0, 4)}, bytes(5)),
    "bytes without a tensor": _file({}, b"PK"),
    "a key twice": _file("{" + TENSOR + ", " + TENSOR + "}", bytes(4)),
    "a field twice": _file(
        "{" + TENSOR.replace('"dtype"', '"dtype": "F32", "dtype"') + "}", bytes(4)
    ),
    "a field too many": _file({"a": _tensor(0, 4) | {"code": "x"}}, bytes(4)),
    "a shape that does not fit": _file({"a": _tensor(0, 4, (5,))}, bytes(4)),
    "a shape whose product overflows": _file({"a": _tensor(0, 4, (1 << 33, 1 << 33))}, bytes(4)),
    "a negative dimension": _file({"a": _tensor(0, 4, (-2, -2))}, bytes(4)),
    "a type that there is not": _file({"a": _tensor(0, 4) | {"dtype": "O"}}, bytes(4)),
    "metadata that is no text": _file({"__metadata__": {"a": {"b": 1}}}),
    "bytes of another encoding": struct.pack("<Q", 4) + b"{}\xff\xfe",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks(trick: str) -> None:
    """Each way to make a file two files, or to mislead a reader, is a finding."""
    assert RULE in rules_of(examined(TRICKS[trick], format=FileFormat.SAFETENSORS))


def test_sound_files() -> None:
    """Tensors one behind the other, in any order of the header, with metadata, are passed."""
    header = {
        "__metadata__": {"format": "pt"},
        "b": _tensor(4, 8),
        "a": _tensor(0, 4),
        "c": _tensor(8, 8, (0,)),
    }
    assert examined(_file(header, bytes(8)), format=FileFormat.SAFETENSORS) == ()
