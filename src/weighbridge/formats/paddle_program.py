"""
Programs of PaddlePaddle (framework.proto): the operators of every block that reach out of it.

Most operators compute. A few read or write files that their attributes name, call a function of
Python that the process has registered, connect, or run what another engine compiled.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.protobuf import Document, Message

PROGRAM: Final = "ProgramDesc"
_SHORT: Final = 4096
_MAX_TEXTS: Final = 8

CALLS, READS, WRITES, CONNECTS, COMPILED = "calls", "reads", "writes", "connects", "compiled"

EFFECTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "py_func": (CALLS, "calls a function of Python"),
        "py_layer": (CALLS, "calls a function of Python"),
        "load": (READS, "reads a file"),
        "load_combine": (READS, "reads a file"),
        "read_file": (READS, "reads a file"),
        "save": (WRITES, "writes a file"),
        "save_combine": (WRITES, "writes a file"),
        "heter_listen_and_serv": (CONNECTS, "serves requests of the network"),
        "listen_and_serv": (CONNECTS, "serves requests of the network"),
        "recv": (CONNECTS, "connects to another machine"),
        "send": (CONNECTS, "connects to another machine"),
        "lite_engine": (COMPILED, "runs what another engine compiled"),
        "openvino_engine": (COMPILED, "runs what another engine compiled"),
        "tensorrt_engine": (COMPILED, "runs what another engine compiled"),
    }
)
"""Operators that do more than compute: in which way, and what they do, as a clause."""


@frozen
class PaddleOperator:
    """
    An operator that reaches out of its program.

    Attributes:
        name: Its type.
        offset: Where it lies in the file; None where that is not known.
        texts: Names and values of its attributes that are texts.
    """

    name: str
    offset: int | None
    texts: tuple[tuple[str, str], ...]


def read_operators(document: Document) -> Iterator[PaddleOperator]:
    """
    Yield every operator of the program that does more than compute.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields.
    """
    for block in document.root(PROGRAM).fields():
        if block.name != "blocks":
            continue
        for field in block.message.fields():
            if field.name == "ops":
                yield from _operator(field.message)


def _operator(operator: Message) -> Iterator[PaddleOperator]:
    """Yield the operator if it is one to be yielded, under each type that it says it has."""
    types: list[str] = []
    texts: list[tuple[str, str]] = []
    for field in operator.fields():
        if field.name == "type":
            types.append(field.text())
        elif field.name == "attrs" and len(texts) < _MAX_TEXTS:
            texts.extend(_text(field.message))
    for name in types:
        if name in EFFECTS:
            yield PaddleOperator(name=name, offset=operator.start, texts=tuple(texts))


def _text(attribute: Message) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of an attribute that is a text."""
    name, value = "", ""
    for field in attribute.fields():
        if field.name == "name":
            name = field.text()
        elif field.name == "s" and field.size <= _SHORT:
            value = field.text()
    if value:
        yield name, value
