"""
Checkpoints that torch writes: a zip with one pickle and a member for each storage.

torch's reader takes the first member whose name equals `data.pkl` whatever the case, Python's
takes the last with the exact name; so every member that either could take is walked. Members
that the pickles name as storages hold numbers and are never read; all others are examined.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Gap
from weighbridge.core.limits import MAX_PICKLE_BYTES
from weighbridge.formats.zip import ZipMember, read_archive
from weighbridge.scan.analyzers.zip import nested_members, open_or_gap
from weighbridge.scan.archive_facts import TorchFacts, ZipFacts
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.pickle_facts import Dialect, PickleFacts
from weighbridge.scan.pickle_storage import read_storage
from weighbridge.scan.pickle_streams import walk_streams

_PICKLE_NAME: Final = "data.pkl"
_CODE: Final = "TorchScript code is not examined by this version"


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's anomalies, its pickles, and its members that are no storages.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    pickles = tuple(m for m in archive.members if _base_name(m).endswith(".pkl"))
    candidates = tuple(m.name for m in pickles if _base_name(m) == _PICKLE_NAME)
    yield TorchFacts(subject=subject, pickles=candidates)
    if subject.format is FileFormat.TORCHSCRIPT:
        yield subject.gap(_CODE, code=Code.SCAN_UNSUPPORTED)
    storages: set[str] = set()
    for member in pickles:
        root = member.name.rpartition("/")[0]
        for item in _walk(subject, member):
            if isinstance(item, PickleFacts):
                storages.update(_storages(item, root))
            yield item
    done = {id(m) for m in pickles}
    rest = tuple(m for m in archive.members if id(m) not in done and m.name not in storages)
    yield from nested_members(subject, rest)


def _base_name(member: ZipMember) -> str:
    """Return the last part of a member's name as torch compares it."""
    return member.name.replace("\\", "/").rpartition("/")[2].casefold()


def _walk(subject: Subject, member: ZipMember) -> Iterator[Facts | Subject | Gap]:
    """Yield the streams of one pickle of the archive."""
    content = open_or_gap(subject, member)
    if isinstance(content, Gap):
        yield content
        return
    nested = subject.nested(member=member.name, format=FileFormat.PICKLE, source=content)
    if content.size > MAX_PICKLE_BYTES:
        yield nested.gap(f"the pickle has {content.size} bytes", code=Code.SCAN_LIMIT)
    data = content.read_at(0, min(content.size, MAX_PICKLE_BYTES))
    yield from walk_streams(nested, data, dialect=Dialect.TORCH)


def _storages(facts: PickleFacts, root: str) -> Iterator[str]:
    """Yield the names of the members that a pickle's persistent ids name."""
    for node in facts.summary.persistent:
        storage = read_storage(node.pid)
        if storage is not None:
            yield f"{root}/data/{storage.key}" if root else f"data/{storage.key}"
