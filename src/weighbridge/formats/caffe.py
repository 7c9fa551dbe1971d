"""
Networks of Caffe (caffe.proto): the layers that are written in Python.

Caffe imports the module of such a layer and makes an object of its class. All other layers are
part of Caffe itself.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.formats.protobuf import Document, Message

NETWORK: Final = "NetParameter"
PYTHON: Final = "Python"


def python_layers(document: Document) -> Iterator[tuple[int, str]]:
    """
    Yield where each layer in Python lies, and the name of its class with the module.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields.
    """
    for field in document.root(NETWORK).fields():
        if field.name == "layer":
            yield from _python(field.message)


def _python(layer: Message) -> Iterator[tuple[int, str]]:
    """Yield the layer if it is one."""
    kinds: list[str] = []
    names: dict[str, str] = {}
    for field in layer.fields():
        if field.name == "type":
            kinds.append(field.text())
        elif field.name == "python_param":
            names.update((each.name, each.text()) for each in field.message.fields() if each.name)
    if PYTHON in kinds:
        yield layer.start, f"{names.get('module', '?')}.{names.get('layer', '?')}"
