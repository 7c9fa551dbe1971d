"""
Keras v3 files: a zip of a configuration, weights in HDF5, and files that layers keep.

The configuration decides what is built; the weights and the other members are files like any
other and are examined as such.
"""

from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.formats.zip import read_archive
from weighbridge.scan.analyzers.zip import MemberReader, nested_members
from weighbridge.scan.archive_facts import ZipFacts
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.keras.document import configuration_facts
from weighbridge.scan.text import read_whole

_CONFIGURATION: Final = "config.json"


def analyze(subject: Subject) -> Analysis:
    """
    Yield what the configuration names, the archive's anomalies and its other members.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members, or too large a configuration.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    reader = MemberReader(subject)
    configurations = tuple(m for m in archive.members if m.name.casefold() == _CONFIGURATION)
    for member in configurations:
        content, gap = reader.open(member)
        if gap is not None:
            yield gap
        if content is not None:
            inner = subject.nested(member=member.name, format=FileFormat.JSON, source=content)
            yield from configuration_facts(inner, read_whole(inner), what=member.name)
    others = (m for m in archive.members if m.name.casefold() != _CONFIGURATION)
    yield from nested_members(reader, others)
    yield from reader.remarks()
