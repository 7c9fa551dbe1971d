"""
Models and data sets of Ultralytics and YOLO, as YAML files describe them.

`parse_model` evaluates the class of a layer, its arguments and the activation of the model as
Python (ultralytics/nn/tasks.py, and models/yolo.py of YOLOv5), and `check_det_dataset` executes
what a data set has under `download`. What is evaluated is a name or a number as a rule.
"""

import re
from collections.abc import Iterator
from textwrap import dedent
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.values import frozen
from weighbridge.scan.analyzers.script import ScriptFacts
from weighbridge.scan.interface import Facts, Subject

_LAYERS: Final = re.compile(r"^[\"']?(?:backbone|head)[\"']?[ \t]*:", re.MULTILINE)
_ACTIVATION: Final = re.compile(r"^[\"']?(?:act|activation)[\"']?[ \t]*:[ \t]*(.+)$", re.MULTILINE)
_PLAIN_ACTIVATION: Final = re.compile(r"(?:torch\.)?nn\.[A-Za-z0-9]+\((?:\w+\s*=\s*)?[\w., =-]*\)")
_DATA: Final = re.compile(r"^[\"']?(?:train|val|names)[\"']?[ \t]*:", re.MULTILINE)
DOWNLOAD: Final = re.compile(r"^([ \t]*)[\"']?download[\"']?[ \t]*:[ \t]*(.*)$", re.MULTILINE)
_STRING_OR_COMMENT: Final = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')|(?:(?<=\s)|^)\#[^\n]*""", re.MULTILINE
)
_CALLED: Final = re.compile(r"[^\s,\[\]]*(?:\(|__|\blambda\b)[^\n]*")
_ADDRESS: Final = re.compile(r"https?://\S+")
_SHELL: Final = "bash "


@frozen
class YoloFacts(Facts):
    """
    Something in a model's description that is more than a name or a number.

    Attributes:
        character: Where it stands.
        text: What is evaluated.
    """

    character: int
    text: str


def model_facts(subject: Subject, text: str) -> Iterator[YoloFacts]:
    """Yield what building the model that *text* describes would evaluate, beside plain names."""
    start = _LAYERS.search(text)
    if start is None:
        return
    bare = _STRING_OR_COMMENT.sub(lambda m: m[1] or " " * len(m[0]), text)
    activations = []
    for match in _ACTIVATION.finditer(bare):
        activations.append(match.span())
        value = match[1].strip().strip("\"'")
        if _CALLED.search(value) and not _PLAIN_ACTIVATION.fullmatch(value):
            line = bare.count("\n", 0, match.start(1)) + 1
            yield YoloFacts(subject=subject, line=line, character=match.start(1), text=value)
    for match in _CALLED.finditer(bare, start.start()):
        if not any(first <= match.start() < last for first, last in activations):
            line = bare.count("\n", 0, match.start()) + 1
            text = match[0].strip()
            yield YoloFacts(subject=subject, line=line, character=match.start(), text=text)


def download_facts(subject: Subject, text: str, script: str) -> Iterator[Facts | Subject]:
    """Yield what fetching the data set that *text* describes would execute: *script*."""
    script = dedent(script).strip()
    if not script or _DATA.search(text) is None or _ADDRESS.fullmatch(script):
        return
    if script in ("null", "~", "False", "false"):
        return
    if script.startswith(_SHELL):
        yield ScriptFacts(subject=subject, interpreter="bash, for Ultralytics")
    else:
        source = BytesSource(script.encode())
        yield subject.nested(member="download", format=FileFormat.PYTHON_SOURCE, source=source)
