"""Writes TFLite models and other flatbuffers by hand, for tests that want them odd."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A number of a table, in *size* bytes."""

    value: int
    size: int = 4


@dataclass(frozen=True)
class Numbers:
    """A vector of numbers of four bytes."""

    values: tuple[int, ...]


@dataclass(frozen=True)
class Tables:
    """A vector of tables."""

    items: tuple["Fields", ...]


@dataclass(frozen=True)
class One:
    """A table."""

    item: "Fields"


Value = Number | Numbers | Tables | One | bytes | str
Fields = Mapping[int, Value]
"""The fields of a table by their ids."""


class _Writer:
    def __init__(self, identifier: bytes) -> None:
        self.data = bytearray(4) + identifier

    def align(self) -> int:
        self.data.extend(bytes(-len(self.data) % 8))
        return len(self.data)

    def refer(self, at: int, target: int) -> None:
        self.data[at : at + 4] = struct.pack("<I", target - at)

    def table(self, fields: Fields) -> int:
        vtable = self.align()
        size = 4 + 2 * (max(fields, default=-1) + 1)
        self.data.extend(bytes(size))
        at = self.align()
        self.data.extend(struct.pack("<i", at - vtable))
        places: dict[int, int] = {}
        for number, value in fields.items():
            self.align()
            places[number] = len(self.data)
            width = value.size if isinstance(value, Number) else 4
            raw = value.value if isinstance(value, Number) else 0
            self.data.extend((raw & (1 << 8 * width) - 1).to_bytes(width, "little"))
        struct.pack_into("<HH", self.data, vtable, size, len(self.data) - at)
        for number, place in places.items():
            struct.pack_into("<H", self.data, vtable + 4 + 2 * number, place - at)
            value = fields[number]
            if isinstance(value, One):
                self.refer(place, self.table(value.item))
            elif not isinstance(value, Number):
                self.refer(place, self.child(value))
        return at

    def child(self, value: Numbers | Tables | bytes | str) -> int:
        at = self.align()
        match value:
            case Numbers(values):
                self.data.extend(struct.pack(f"<I{len(values)}i", len(values), *values))
            case Tables(items):
                self.data.extend(bytes(4 + 4 * len(items)))
                struct.pack_into("<I", self.data, at, len(items))
                for index, item in enumerate(items):
                    place = at + 4 + 4 * index
                    self.refer(place, self.table(item))
            case str() | bytes():
                raw = value.encode() if isinstance(value, str) else value
                self.data.extend(struct.pack("<I", len(raw)) + raw + b"\0")
        return at


def flatbuffer(root: Fields, *, identifier: bytes = b"TFL3") -> bytes:
    """Return a file with the root table *root*, of TFLite unless *identifier* says otherwise."""
    writer = _Writer(identifier)
    writer.refer(0, writer.table(root))
    return bytes(writer.data)


def code(builtin: int, custom: str = "", *, old: int | None = None) -> Fields:
    """Return an operator code."""
    deprecated = min(builtin, 127) if old is None else old
    fields: dict[int, Value] = {0: Number(deprecated, 1), 3: Number(builtin)}
    return {**fields, 1: custom} if custom else fields


def tensor(*shape: int, buffer: int = 0, kind: int = 0) -> Fields:
    """Return a tensor of floats."""
    return {0: Numbers(shape), 1: Number(kind, 1), 2: Number(buffer), 3: "t"}


def operator(index: int = 0, *, options: bytes = b"", inputs: tuple[int, ...] = (0,)) -> Fields:
    """Return a node."""
    fields: dict[int, Value] = {0: Number(index), 1: Numbers(inputs), 2: Numbers((0,))}
    return {**fields, 5: options} if options else fields


def tflite(
    *codes: Fields,
    tensors: tuple[Fields, ...] = (),
    operators: tuple[Fields, ...] = (),
    buffers: tuple[Fields, ...] = ({},),
    groups: tuple[str, ...] = (),
) -> bytes:
    """Return a model with one subgraph."""
    graph: Fields = {0: Tables(tensors or (tensor(1),)), 3: Tables(operators)}
    root: dict[int, Value] = {
        0: Number(3),
        1: Tables(codes),
        2: Tables((graph,)),
        4: Tables(buffers),
    }
    if groups:
        root[8] = Tables(tuple({0: group} for group in groups))
    return flatbuffer(root)


def flex_options(name: str, node_def: bytes) -> bytes:
    """Return the flexbuffer of a flex node: a vector of two texts (flexbuffers.h)."""
    data = bytearray()
    places = []
    for text in (name.encode(), node_def):
        data.extend(struct.pack("<I", len(text)))
        places.append(len(data))
        data.extend(text + b"\0")
    data.extend(bytes(-len(data) % 4))
    data.extend(struct.pack("<I", 2))
    start = len(data)
    for place in places:
        data.extend(struct.pack("<I", len(data) - place))
    data.extend(bytes([5 << 2 | 2, 5 << 2 | 2]))
    data.extend(struct.pack("<B", len(data) - start) + bytes([10 << 2 | 2, 1]))
    return bytes(data)
