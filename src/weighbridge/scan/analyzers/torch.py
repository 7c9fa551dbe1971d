"""
Checkpoints that torch writes: a zip with one pickle and a member for each storage.

torch's reader takes the first member whose name equals `data.pkl` whatever the case, Python's
takes the last with the exact name; so every member that either could take is walked. Members
that the pickles name as storages hold numbers and are not read beyond their start; all others
are examined. The programs of a TorchScript archive are held to a list of operators.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_CODE_BYTES
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES
from weighbridge.formats.zip import ZipMember, read_archive
from weighbridge.scan.analyzers.zip import MemberReader, nested_members
from weighbridge.scan.archive_facts import TorchFacts, ZipFacts
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.pickle_facts import Dialect, PickleFacts
from weighbridge.scan.pickle_streams import walk_streams
from weighbridge.scan.torch_storages import (
    StorageClaim,
    StorageFacts,
    claims_of,
    compare_sizes,
    examine_storages,
)
from weighbridge.scan.torchscript import is_bytecode, is_code, walk_bytecode, walk_code

_PICKLE_NAME: Final = "data.pkl"


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's anomalies, its pickles and programs, and its members that are no storages.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    script = subject.format is FileFormat.TORCHSCRIPT
    pickles = tuple(m for m in archive.members if _is_pickle(m, script=script))
    candidates = tuple(m.name for m in pickles if _base_name(m) == _PICKLE_NAME)
    yield TorchFacts(subject=subject, pickles=candidates)
    reader = MemberReader(subject)
    claims: list[StorageClaim] = []
    for member in pickles:
        for item in _walk_pickle(reader, member, script=script):
            if isinstance(item, PickleFacts):
                claims.extend(claims_of(item, member.name))
            yield item
    done = {id(m) for m in pickles}
    programs = [m for m in archive.members if script and is_code(m.name) and id(m) not in done]
    for member in programs:
        yield from _walk_code(reader, member)
    done.update(map(id, programs))
    yield from _compare(subject, claims, archive.members)
    rest = [m for m in archive.members if id(m) not in done]
    named = {claim.member for claim in claims}
    yield from examine_storages(reader, [m for m in rest if m.name in named])
    yield from nested_members(reader, (m for m in rest if m.name not in named))
    yield from reader.remarks()


def _is_pickle(member: ZipMember, *, script: bool) -> bool:
    """Tell whether torch reads *member* as a pickle; programs have some more."""
    name = _base_name(member)
    return name.endswith(".pkl") or (script and name.endswith(".debug_pkl"))


def _base_name(member: ZipMember) -> str:
    """Return the last part of a member's name as torch compares it."""
    return member.name.replace("\\", "/").rpartition("/")[2].casefold()


def _walk_pickle(reader: MemberReader, member: ZipMember, *, script: bool) -> Analysis:
    """Yield the streams of one pickle of the archive."""
    content, gap = reader.open(member)
    if gap is not None:
        yield gap
    if content is None:
        return
    nested = reader.subject.nested(member=member.name, format=FileFormat.PICKLE, source=content)
    if content.size > MAX_PICKLE_BYTES:
        yield nested.gap(f"the pickle has {content.size} bytes", code=Code.SCAN_LIMIT)
    data = content.read_at(0, min(content.size, MAX_PICKLE_BYTES))
    dialect = Dialect.TORCHSCRIPT if script else Dialect.TORCH
    for item in walk_streams(nested, data, dialect=dialect):
        yield item
        if script and is_bytecode(member.name) and isinstance(item, PickleFacts):
            yield from walk_bytecode(nested, item.trace)


def _walk_code(reader: MemberReader, member: ZipMember) -> Analysis:
    """Yield what one source file of a TorchScript program refers to."""
    content, gap = reader.open(member)
    if gap is not None:
        yield gap
    if content is None:
        return
    nested = reader.subject.nested(member=member.name, format=FileFormat.TEXT, source=content)
    try:
        yield from walk_code(nested, content.read_at(0, MAX_CODE_BYTES + 1))
    except MalformedContentError as error:
        yield nested.gap(error.told())
    except LimitExceededError as error:
        if error.code is Code.SCAN_TIMEOUT:
            raise
        yield nested.gap(error.told(), code=Code.SCAN_LIMIT)


def _compare(
    subject: Subject, claims: list[StorageClaim], members: tuple[ZipMember, ...]
) -> Iterator[StorageFacts]:
    """Yield the storages that are not as the pickles say."""
    sizes: dict[str, int] = {}
    for member in members:
        # Of two members of one name, either may be read: the smaller one is the worse.
        sizes[member.name] = min(member.size, sizes.get(member.name, member.size))
    mismatches = compare_sizes(claims, sizes)
    if mismatches:
        yield StorageFacts(subject=subject, mismatches=mismatches)
