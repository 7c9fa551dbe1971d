"""
Writes pickle streams from a description of what they do.

A description is made of constants, containers and the nodes below; `encode` turns it into
opcodes of any protocol, with any of the opcodes that call. Nothing here imports what a
description names.
"""

from dataclasses import dataclass
from struct import pack
from typing import Final, TypeAlias

Plain: TypeAlias = bool | int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Ref:
    """A name that the unpickler imports."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call; *how* is `reduce`, `newobj`, `newobj-ex`, `obj` or `inst`."""

    target: "Node"
    args: "tuple[Node, ...]" = ()
    how: str = "reduce"


@dataclass(frozen=True, slots=True)
class Build:
    """A BUILD of *state* into *target*."""

    target: "Node"
    state: "Node"


@dataclass(frozen=True, slots=True)
class Raw:
    """Opcodes that leave one value on the stack."""

    opcodes: bytes


@dataclass(frozen=True, slots=True)
class Items:
    """A list, dict or object of which items are set: key, value, key, value ..."""

    target: "Node"
    pairs: "tuple[tuple[Node, Node], ...]"


@dataclass(frozen=True, slots=True)
class Extend:
    """An object that is given items by APPENDS."""

    target: "Node"
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Persistent:
    """A persistent load."""

    pid: "Node"


Node: TypeAlias = (
    Plain
    | Ref
    | Call
    | Build
    | Raw
    | Items
    | Extend
    | Persistent
    | tuple["Node", ...]
    | list["Node"]
)

_SHORT: Final = 256
_TEXT_PROTOCOL: Final = 0
_FRAMED: Final = 4


def stream(node: Node, *, protocol: int = 4, framed: bool = True) -> bytes:
    """Return a whole stream that leaves *node*."""
    body = encode(node, protocol=protocol) + b"."
    if protocol < 2:
        return body
    head = b"\x80" + bytes([protocol])
    if protocol >= _FRAMED and framed:
        return head + b"\x95" + pack("<Q", len(body)) + body
    return head + body


def encode(node: Node, *, protocol: int = 4) -> bytes:  # noqa: PLR0911  one for each kind of node
    """Return the opcodes that push *node*, without PROTO and STOP."""
    match node:
        case Raw():
            return node.opcodes
        case Ref():
            return _reference(node, protocol)
        case Call():
            return _call(node, protocol)
        case Build():
            return (
                encode(node.target, protocol=protocol)
                + encode(node.state, protocol=protocol)
                + b"b"
            )
        case Items():
            inner = b"".join(
                encode(part, protocol=protocol) for pair in node.pairs for part in pair
            )
            return encode(node.target, protocol=protocol) + b"(" + inner + b"u"
        case Extend():
            inner = b"".join(encode(item, protocol=protocol) for item in node.items)
            return encode(node.target, protocol=protocol) + b"(" + inner + b"e"
        case Persistent():
            return encode(node.pid, protocol=protocol) + b"Q"
        case tuple():
            return b"(" + b"".join(encode(item, protocol=protocol) for item in node) + b"t"
        case list():
            return b"(" + b"".join(encode(item, protocol=protocol) for item in node) + b"l"
        case _:
            return _constant(node, protocol)


def _reference(node: Ref, protocol: int) -> bytes:
    if protocol >= _FRAMED:
        return _text(node.module, protocol) + _text(node.name, protocol) + b"\x93"
    return b"c" + node.module.encode() + b"\n" + node.name.encode() + b"\n"


def _call(node: Call, protocol: int) -> bytes:
    target, args = node.target, encode(node.args, protocol=protocol)
    each = b"".join(encode(item, protocol=protocol) for item in node.args)
    match node.how:
        case "obj":
            return b"(" + encode(target, protocol=protocol) + each + b"o"
        case "inst":
            if not isinstance(target, Ref):
                raise TypeError("INST takes a name")
            return (
                b"(" + each + b"i" + target.module.encode() + b"\n" + target.name.encode() + b"\n"
            )
        case "newobj":
            return encode(target, protocol=protocol) + args + b"\x81"
        case "newobj-ex":
            return encode(target, protocol=protocol) + args + b"}\x92"
        case _:
            return encode(target, protocol=protocol) + args + b"R"


def _constant(value: Plain, protocol: int) -> bytes:
    match value:
        case None:
            return b"N"
        case bool():
            if protocol < 2:
                return b"I01\n" if value else b"I00\n"
            return b"\x88" if value else b"\x89"
        case int():
            if protocol == _TEXT_PROTOCOL:
                return b"L" + str(value).encode() + b"L\n"
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"J" + pack("<i", value) if protocol < 2 else b"\x8a" + bytes([len(data)]) + data
        case float():
            return b"G" + pack(">d", value) if protocol else b"F" + repr(value).encode() + b"\n"
        case str():
            return _text(value, protocol)
        case _:
            return _bytes(value, protocol)


def _text(value: str, protocol: int) -> bytes:
    if protocol == _TEXT_PROTOCOL:
        plain = value.replace("\\", "\\u005c").replace("\n", "\\u000a").replace("\0", "\\u0000")
        return b"V" + plain.encode("raw-unicode-escape") + b"\n"
    data = value.encode("utf-8", "surrogatepass")
    if protocol >= _FRAMED and len(data) < _SHORT:
        return b"\x8c" + bytes([len(data)]) + data
    return b"X" + pack("<I", len(data)) + data


def _bytes(value: bytes, protocol: int) -> bytes:
    if protocol < 3:
        return encode(
            Call(Ref("_codecs", "encode"), (value.decode("latin-1"), "latin1")), protocol=protocol
        )
    if len(value) < _SHORT:
        return b"C" + bytes([len(value)]) + value
    return b"B" + pack("<I", len(value)) + value
