"""
The text form of protobuf messages: TensorFlow graphs and networks of Caffe among other things.

TensorFlow loads `saved_model.pbtxt` as it loads `saved_model.pb`. Which operators a text names
is read; what they are given is not. So a text passes when each of its operators computes and no
more, whatever it is given, and is a gap when one of them is unknown, or does harm by its inputs,
or when the text holds layers of Keras.
"""

from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import one_line
from weighbridge.core.limits.weights import MAX_GRAPH_NAMES
from weighbridge.core.values import frozen
from weighbridge.formats.caffe import PYTHON
from weighbridge.formats.protobuf.text import read_texts
from weighbridge.scan.analyzers.caffe import CaffeFacts
from weighbridge.scan.graph_operators import tensorflow_operators
from weighbridge.scan.interface import Analysis, Facts, Subject, shorten
from weighbridge.scan.text import read_text

_EVERY: Final = 1024
KERAS_IDENTIFIER: Final = "_tf_keras"
"""What identifiers of Keras objects start with (keras/saving/legacy/saved_model/constants.py)."""


@frozen
class TextOperatorsFacts(Facts):
    """
    Operators that a text names and that reach out of a graph, whatever they are given.

    Attributes:
        operators: Each once, with where it stands, in characters.
    """

    operators: tuple[tuple[str, int], ...]


def analyze(subject: Subject) -> Analysis:
    """
    Yield the operators that reach out of a graph, and a gap where more would have to be read.

    Raises:
        MalformedContentError: Not UTF-8, or not the text form.
        LimitExceededError: Larger than the limit for text.
    """
    text = _Text()
    for number, (name, value, at) in enumerate(read_texts(read_text(subject))):
        if number % _EVERY == 0:
            subject.check_time()
        text.take(name, value, at)
    for layer in text.layers:
        yield CaffeFacts(subject=subject, layers=(layer,))
    if text.found:
        yield TextOperatorsFacts(subject=subject, operators=tuple(text.found.items()))
    for what in text.unread.values():
        reason = shorten(f"a graph or network as text has {what}")
        yield subject.gap(reason, code=Code.SCAN_UNSUPPORTED)


class _Text:
    """
    What a text has been found to hold.

    Attributes:
        found: Operators that reach out of a graph, and where each stands first.
        layers: Layers of Caffe in Python: where they stand, and what they name.
        unread: What there is that nothing more is read of, the first of each kind.
    """

    def __init__(self) -> None:
        self._known = tensorflow_operators()
        self.found: dict[str, int] = {}
        self.layers: list[tuple[int, str]] = []
        self.unread: dict[str, str] = {}

    def take(self, name: str, text: str, at: int) -> None:
        """Judge the field *name*, which has a *text*."""
        if name == "op" and text in self._known.effects:
            if len(self.found) < MAX_GRAPH_NAMES:
                self.found.setdefault(text, at)
        elif name == "op" and text not in self._known.allowed:
            what = f"the operator {one_line(text)}, of which only the name is read"
            self.unread.setdefault("op", what)
        elif name == "type" and text == PYTHON and len(self.layers) < MAX_GRAPH_NAMES:
            self.layers.append((at, "the class that is named beside it"))
        elif name == "identifier" and text.startswith(KERAS_IDENTIFIER):
            self.unread.setdefault("keras", "layers of Keras, which are not read from text")
