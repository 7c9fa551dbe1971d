"""
The text form of protobuf messages: TensorFlow graphs and networks of Caffe among other things.

TensorFlow loads `saved_model.pbtxt` as it loads `saved_model.pb`. Which operators a text names
is read; what they are given is not, so that a text that names any operator is a gap as well.
"""

from dataclasses import dataclass
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.limits import MAX_GRAPH_NAMES
from weighbridge.formats.protobuf.text import read_texts
from weighbridge.scan.graph_operators import tensorflow_operators
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.text import read_text

_EVERY: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
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
    effects = tensorflow_operators().effects
    found: dict[str, int] = {}
    graph = layers = False
    for number, (name, text, at) in enumerate(read_texts(read_text(subject))):
        if number % _EVERY == 0:
            subject.check_time()
        if name == "op":
            graph = True
            if text in effects and len(found) < MAX_GRAPH_NAMES:
                found.setdefault(text, at)
        layers = layers or (name == "type" and text == "Python")
    if found:
        yield TextOperatorsFacts(subject=subject, operators=tuple(found.items()))
    if graph or layers:
        what = "a TensorFlow graph" if graph else "a network with layers in Python"
        reason = f"{what} as text, of which no more than the operators is read"
        yield subject.gap(reason, code=Code.SCAN_UNSUPPORTED)
