"""JSON: configurations of models, tokenizers, adapters and pipelines."""

from dataclasses import replace
from typing import Final

from weighbridge.formats.json.parts import read_wanted
from weighbridge.scan.configuration import WANTED, settings_in
from weighbridge.scan.folder_programs import PROGRAM_KEYS, programs_in
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.keras.configuration import MODEL_KEYS, keras_facts, models_in
from weighbridge.scan.paddle import program_facts
from weighbridge.scan.text import as_utf8, require_text_size
from weighbridge.scan.zarr import codec_facts

_WANTED: Final = replace(WANTED, keys=WANTED.keys | MODEL_KEYS | PROGRAM_KEYS)


def analyze(subject: Subject) -> Analysis:
    """
    Yield the settings of a JSON document that can make a framework do something.

    Raises:
        MalformedContentError: Not strict JSON: other readers may see another document.
        LimitExceededError: Larger or nested deeper than the limits.
    """
    subject = as_utf8(subject)
    require_text_size(subject)
    document = read_wanted(
        subject.source,
        what=subject.name or subject.path,
        wanted=_WANTED,
        between=subject.check_time,
    )
    yield from settings_in(subject, document)
    yield from program_facts(subject, document)
    yield from codec_facts(subject, document)
    yield from programs_in(subject, document)
    for model in models_in(document):
        yield from keras_facts(subject, model)
