"""JSON: configurations of models, tokenizers, adapters and pipelines."""

from weighbridge.formats.json import parse_json
from weighbridge.scan.configuration import settings_in
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.text import read_whole


def analyze(subject: Subject) -> Analysis:
    """
    Yield the settings of a JSON document that can make a framework do something.

    Raises:
        MalformedContentError: Not strict JSON: other readers may see another document.
        LimitExceededError: Larger or nested deeper than the limits.
    """
    data = read_whole(subject)
    yield from settings_in(subject, parse_json(data, what=subject.name or subject.path))
