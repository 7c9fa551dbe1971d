"""
What the messages of a format are made of.

The tables are data (`*.json` beside this module), made from the descriptors that the formats'
own libraries ship: `tools/protobuf_schemas/make.py`. A message maps the number of a
field to its name, its kind, whether it may occur more than once, and the group of fields of
which a message has one (`oneof`).
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from weighbridge.core.values import frozen

VARINT: Final = 0
FIXED64: Final = 1
COUNTED: Final = 2
FIXED32: Final = 5

_WIRES: Final = MappingProxyType(
    {"varint": VARINT, "fixed32": FIXED32, "fixed64": FIXED64, "bytes": COUNTED, "string": COUNTED}
)


@frozen
class FieldType:
    """
    One field of a message.

    Attributes:
        name: As in the format's .proto file.
        wire: The wire type of its values.
        repeated: Whether a message may have several; numbers may then be packed, too.
        oneof: The group of which a message has one; empty without a group.
        text: Whether it is a string.
        message: The schema's name of the message that it holds; empty where it holds none.
    """

    name: str
    wire: int
    repeated: bool
    oneof: str
    text: bool
    message: str


@frozen
class Schema:
    """
    The messages of one format.

    Attributes:
        messages: By name; the fields by number.
    """

    messages: Mapping[str, Mapping[int, FieldType]]


@cache
def load_schema(name: str) -> Schema:
    """
    Return the schema that the file *name* holds: `onnx`, `tensorflow` or `coreml`.

    Raises:
        FileNotFoundError: There is none of that name; a bug of ours.
    """
    folder = files("weighbridge.formats.protobuf")
    table = json.loads(folder.joinpath(f"{name}.json").read_text("utf-8"))
    return Schema(
        messages=MappingProxyType(
            {
                message: MappingProxyType(
                    {int(number): _field(*row) for number, row in fields.items()}
                )
                for message, fields in table.items()
            }
        )
    )


def _field(name: str, kind: str, repeated: int, oneof: str) -> FieldType:
    """Return the field that a row of the table describes."""
    return FieldType(
        name=name,
        wire=_WIRES.get(kind, COUNTED),
        repeated=bool(repeated),
        oneof=oneof,
        text=kind == "string",
        message="" if kind in _WIRES else kind,
    )
