"""
Assembles pickle streams opcode by opcode, so that tests can say exactly what a stream does.

Payloads are inert: the functions they name would touch a marker file, and nothing here or in
the code under test ever calls them.
"""

from struct import pack
from typing import Final

MARKER: Final = "touch marker"
"""The argument of every payload."""

STOP: Final = b"."
MARK: Final = b"("
NONE: Final = b"N"
POP: Final = b"0"
POP_MARK: Final = b"1"
DUP: Final = b"2"
REDUCE: Final = b"R"
BUILD: Final = b"b"
OBJ: Final = b"o"
TUPLE: Final = b"t"
TUPLE1: Final = b"\x85"
TUPLE2: Final = b"\x86"
TUPLE3: Final = b"\x87"
EMPTY_TUPLE: Final = b")"
EMPTY_LIST: Final = b"]"
EMPTY_DICT: Final = b"}"
APPEND: Final = b"a"
APPENDS: Final = b"e"
SETITEM: Final = b"s"
SETITEMS: Final = b"u"
NEWOBJ: Final = b"\x81"
NEWOBJ_EX: Final = b"\x92"
STACK_GLOBAL: Final = b"\x93"
MEMOIZE: Final = b"\x94"
BINPERSID: Final = b"Q"
TRUE: Final = b"\x88"
FALSE: Final = b"\x89"


def proto(version: int) -> bytes:
    """Return PROTO."""
    return b"\x80" + bytes([version])


def frame(length: int) -> bytes:
    """Return FRAME with *length* as it says."""
    return b"\x95" + pack("<Q", length)


def text(value: str) -> bytes:
    """Return a string."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + pack("<I", len(data)) + data


def raw(value: bytes) -> bytes:
    """Return bytes."""
    return b"B" + pack("<I", len(value)) + value


def integer(value: int) -> bytes:
    """Return an integer of any size."""
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def put(index: int) -> bytes:
    """Return BINPUT."""
    return b"q" + bytes([index])


def get(index: int) -> bytes:
    """Return BINGET."""
    return b"h" + bytes([index])


def name(module: str, attribute: str) -> bytes:
    """Return GLOBAL."""
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def stacked(module: str, attribute: str) -> bytes:
    """Return STACK_GLOBAL with its two strings."""
    return text(module) + text(attribute) + STACK_GLOBAL


def inst(module: str, attribute: str, *args: bytes) -> bytes:
    """Return INST with its mark and arguments."""
    return MARK + b"".join(args) + b"i" + module.encode() + b"\n" + attribute.encode() + b"\n"


def tuple_of(*items: bytes) -> bytes:
    """Return a tuple."""
    return MARK + b"".join(items) + TUPLE


def list_of(*items: bytes) -> bytes:
    """Return a list."""
    return EMPTY_LIST + MARK + b"".join(items) + APPENDS


def dict_of(*items: bytes) -> bytes:
    """Return a dict of key, value, key, value ..."""
    return EMPTY_DICT + MARK + b"".join(items) + SETITEMS


def call(function: bytes, *args: bytes) -> bytes:
    """Return a call by REDUCE."""
    return function + tuple_of(*args) + REDUCE


def new(kind: bytes, *args: bytes) -> bytes:
    """Return an instance made by NEWOBJ."""
    return kind + tuple_of(*args) + NEWOBJ


def system(command: str = MARKER) -> bytes:
    """Return the classic payload, without PROTO and STOP."""
    return call(name("os", "system"), text(command))


def stream(*parts: bytes, protocol: int | None = 2) -> bytes:
    """Return a whole stream around *parts*, without PROTO for None."""
    return (b"" if protocol is None else proto(protocol)) + b"".join(parts) + STOP
