"""Arrow, Feather and Parquet: what the schema has readers rebuild."""

from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.values import frozen
from weighbridge.formats.arrow import EXTENSION, EXTENSION_DATA, R_OBJECT, Note, read_notes
from weighbridge.formats.sniff import sniff
from weighbridge.scan.interface import Analysis, Facts, Subject

PYTHON_TYPES: Final = frozenset({b"arrow.py_extension_type", b"ray.data.arrow_pickled_object"})
"""The name of every type that pyarrow's `PyExtensionType` made, and that of columns of pickles."""
_PLAIN: Final = frozenset({FileFormat.EMPTY, FileFormat.TEXT})
_PARAMETERS: Final = _PLAIN | {FileFormat.JSON, FileFormat.UNKNOWN, FileFormat.YAML}
"""What types of other names keep with a column."""


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
    for number, note in enumerate(read_notes(subject.source, between=subject.check_time)):
        subject.check_time()
        if note in seen:  # the second copy of the schema, which says the same as a rule
            continue
        seen.add(note)
        is_python = any(key == EXTENSION and value in PYTHON_TYPES for key, value in note.values)
        if is_python:
            yield ArrowTypeFacts(subject=subject, column=note.column)
        # What a type of another name reads is its own matter; some unpickle it.
        yield from _buried(subject, note, EXTENSION_DATA, f"type@{number}", pickled=is_python)
        yield from _buried(subject, note, R_OBJECT, f"r@{number}")


def _buried(
    subject: Subject, note: Note, wanted: str, member: str, *, pickled: bool = False
) -> Analysis:
    """Yield the values of a key as the files that they are to their reader."""
    for key, value in note.values:
        if key != wanted or not value:
            continue
        source = BytesSource(value)
        found = FileFormat.PICKLE if pickled else sniff(source, name="").format
        if found not in (_PARAMETERS if wanted == EXTENSION_DATA else _PLAIN):
            yield subject.nested(member=member, format=found, source=source)
