"""JSON: configurations of models, tokenizers, adapters and pipelines."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from weighbridge.core.errors import MalformedContentError
from weighbridge.formats.json import JsonValue
from weighbridge.formats.json.parts import read_wanted
from weighbridge.scan.configuration import CONTEXT_KEYS, WANTED, known_keys, settings_in
from weighbridge.scan.folder_programs import PROGRAM_KEYS, programs_in
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.json_tables import RepeatedKeyFacts, is_table_name, read_table
from weighbridge.scan.keras.configuration import MODEL_KEYS, keras_facts, models_in
from weighbridge.scan.paddle import program_facts
from weighbridge.scan.text import as_utf8, require_text_size
from weighbridge.scan.zarr import codec_facts

_WANTED: Final = replace(WANTED, keys=WANTED.keys | MODEL_KEYS | PROGRAM_KEYS)

_CODE_WORDS: Final = (
    "args", "base", "class", "code", "command", "exec", "extends", "file", "function", "handler",
    "id", "import", "include", "library", "loader", "model", "module", "name", "package", "parent",
    "plugin", "script", "template", "tokenizer", "uri", "url", "weights",
)  # fmt: skip
"""Words that settings have for code, and for where it lies."""

_SENSITIVE: Final = frozenset(
    key.lower()
    for keys in (known_keys(), _WANTED.keys, *CONTEXT_KEYS.values(), _CODE_WORDS)
    for key in keys
)
"""Keys that no table repeats."""


def analyze(subject: Subject) -> Analysis:
    """
    Yield the settings of a JSON document that can make a framework do something.

    Of a table of words with repeated keys, only these are told.

    Raises:
        MalformedContentError: Not strict JSON: other readers may see another document.
        LimitExceededError: Larger or nested deeper than the limits.
    """
    subject = as_utf8(subject)
    require_text_size(subject)
    try:
        document = read_wanted(
            subject.source,
            what=subject.name or subject.path,
            wanted=_WANTED,
            between=subject.check_time,
        )
    except MalformedContentError:
        repeated = _read_table(subject)
        if repeated is None:
            raise
        yield repeated
        return
    yield from _facts_in(subject, document)


def _read_table(subject: Subject) -> RepeatedKeyFacts | None:
    """Return what is repeated in a table that readers differ about; None for what may be more."""
    if not is_table_name(subject):
        return None
    return read_table(
        subject, sensitive=_SENSITIVE, facts_of=lambda document: _facts_in(subject, document)
    )


def _facts_in(subject: Subject, document: JsonValue) -> Iterator[Facts]:
    """Yield what rules look at in one reading of the document."""
    yield from settings_in(subject, document)
    yield from program_facts(subject, document)
    yield from codec_facts(subject, document)
    yield from programs_in(subject, document)
    for model in models_in(document):
        yield from keras_facts(subject, model)
