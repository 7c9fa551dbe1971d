"""Arrow, Feather and Parquet: what the schema has readers rebuild."""

from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.values import frozen
from weighbridge.formats.arrow import EXTENSION, EXTENSION_DATA, R_OBJECT, Note, read_notes
from weighbridge.formats.sniff import sniff
from weighbridge.scan.interface import Analysis, Facts, Subject

PYTHON_TYPE: Final = b"arrow.py_extension_type"
"""The name of every type that pyarrow's `PyExtensionType` made."""


@frozen
class ArrowTypeFacts(Facts):
    """
    A column whose type is a Python class, pickled.

    Attributes:
        column: Its name.
    """

    column: str


def analyze(subject: Subject) -> Analysis:
    """
    Yield the columns whose type is pickled, the pickles, and objects of R.

    Raises:
        MalformedContentError: The schema cannot be read, or is encrypted.
        LimitExceededError: It is too large.
    """
    seen: set[Note] = set()
    for number, note in enumerate(read_notes(subject.source)):
        subject.check_time()
        if note in seen:  # the second copy of the schema, which says the same as a rule
            continue
        seen.add(note)
        if (EXTENSION, PYTHON_TYPE) in note.values:
            yield ArrowTypeFacts(subject=subject, column=note.column)
            yield from _buried(subject, note, EXTENSION_DATA, f"type@{number}")
        yield from _buried(subject, note, R_OBJECT, f"r@{number}")


def _buried(subject: Subject, note: Note, wanted: str, member: str) -> Analysis:
    """Yield the values of a key as the files that they are to their reader."""
    for key, value in note.values:
        if key != wanted:
            continue
        source = BytesSource(value)
        found = sniff(source, name="")
        if wanted == EXTENSION_DATA:
            yield subject.nested(member=member, format=FileFormat.PICKLE, source=source)
        elif found.format not in (FileFormat.TEXT, FileFormat.EMPTY):
            yield subject.nested(member=member, format=found.format, source=source)
