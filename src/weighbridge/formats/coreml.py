"""
Core ML models (Model.proto and MIL.proto): the code, models and files that they name.

The schema has hundreds of messages, and models nest in pipelines; the few that name something
are found wherever they stand.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.weights import MAX_PROTOBUF_DEPTH
from weighbridge.core.values import frozen
from weighbridge.formats.protobuf import Document, Field, Message

MODEL: Final = "Model"
_BLOB: Final = "MILSpec.Value.BlobFileValue"
_CLASSES: Final = {"CustomLayerParams": "layer", "CustomModel": "model"}
_LINKED: Final = {"linkedModelFileName": "name", "linkedModelSearchPath": "search path"}


@frozen
class CoreMlName:
    """
    Something outside of the model that it names.

    Attributes:
        kind: `layer` or `model` for a class of the program, `linked` for another model's name or
            search path, `opaque` for a model in a form of its own, `file` for a file of weights.
        name: What is named.
        position: For a file: where in it.
        offset: Where the name lies in the model's file.
    """

    kind: str
    name: str
    position: int
    offset: int


def names_in(document: Document) -> Iterator[CoreMlName]:
    """
    Walk the whole model and yield what it names.

    Raises:
        MalformedContentError: No protobuf reader would take it.
        LimitExceededError: Too many fields, or messages within messages.
    """
    levels: list[Iterator[Field]] = [document.root(MODEL).fields()]
    while levels:
        field = next(levels[-1], None)
        if field is None:
            levels.pop()
            continue
        kind = field.kind.message if field.kind is not None else ""
        if not kind:
            continue
        if kind in _CLASSES:
            yield from _class(field.message, _CLASSES[kind], field.at)
        elif kind == "LinkedModelFile":
            yield from _linked(field.message)
        elif kind == "SerializedModel":
            yield CoreMlName(kind="opaque", name=field.name, position=0, offset=field.at)
        elif kind == _BLOB:
            yield _file(field.message, field.at)
        if len(levels) > MAX_PROTOBUF_DEPTH:
            raise LimitExceededError("messages within messages", where="Core ML model")
        levels.append(field.message.fields())


def _class(message: Message, kind: str, offset: int) -> Iterator[CoreMlName]:
    """Yield the class that a custom layer or model names."""
    name = ""
    for field in message.fields():
        if field.name == "className":
            name = field.text()
    yield CoreMlName(kind=kind, name=name, position=0, offset=offset)


def _linked(message: Message) -> Iterator[CoreMlName]:
    """Yield the name and the search path of a linked model."""
    for field in message.fields():
        if field.name in _LINKED:
            for each in field.message.fields():
                if each.name == "defaultValue":
                    yield CoreMlName(kind="linked", name=each.text(), position=0, offset=field.at)


def _file(message: Message, offset: int) -> CoreMlName:
    """Return the file of weights that a value names."""
    name, position = "", 0
    for field in message.fields():
        if field.name == "fileName":
            name = field.text()
        elif field.name == "offset":
            position = field.value
    return CoreMlName(kind="file", name=name, position=position, offset=offset)
