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
from weighbridge.core.limits import MAX_GRAPH_NAMES
from weighbridge.core.values import frozen
from weighbridge.formats.protobuf.text import read_texts
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
    Yield the operators that reach out of a graph, and a gap where there are any at all.

    Raises:
        MalformedContentError: Not UTF-8, or not the text form.
        LimitExceededError: Larger than the limit for text.
    """
    known = tensorflow_operators()
    found: dict[str, int] = {}
    unread: dict[str, str] = {}
    for number, (name, text, at) in enumerate(read_texts(read_text(subject))):
        if number % _EVERY == 0:
            subject.check_time()
        if name == "op" and text in known.effects:
            if len(found) < MAX_GRAPH_NAMES:
                found.setdefault(text, at)
        elif name == "op" and text not in known.allowed:
            unread.setdefault(
                "op", f"the operator {one_line(text)}, of which only the name is read"
            )
        elif name == "type" and text == "Python":
            unread.setdefault("layer", "a layer in Python, which is not read")
        elif name == "identifier" and text.startswith(KERAS_IDENTIFIER):
            unread.setdefault("keras", "layers of Keras, which are not read from text")
    if found:
        yield TextOperatorsFacts(subject=subject, operators=tuple(found.items()))
    for what in unread.values():
        reason = shorten(f"a graph or network as text has {what}")
        yield subject.gap(reason, code=Code.SCAN_UNSUPPORTED)
