"""
A pickle that is judged right before it is loaded: the scan's opinion of exactly the held bytes.

The verdict is a policy's, and a policy may accept findings. An unpickler may not: whatever a name
of the allow-list is called with was judged in one stream, and is harmless in no other. So the
scan is done again here, over the bytes that are about to be unpickled, and it has to find nothing.
Its traces say what the unpickler will ask for, in order; see `load.unpickler`.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.core.evidence import Finding, Gap
from weighbridge.core.values import frozen
from weighbridge.formats.pickle.values import GlobalNode
from weighbridge.formats.sniff import sniff
from weighbridge.load.clean import rescan_deadline
from weighbridge.scan.allowlist import Arguments, Entry, find_entry
from weighbridge.scan.examination import examine, judge_by_rules
from weighbridge.scan.interface import Facts, Subject
from weighbridge.scan.pickle_facts import Dialect, PickleFacts
from weighbridge.scan.pickle_needs import is_listed

PICKLES: Final = frozenset({FileFormat.PICKLE, FileFormat.JOBLIB})
COMPRESSED: Final = frozenset(
    {
        FileFormat.ZLIB,
        FileFormat.GZIP,
        FileFormat.BZIP2,
        FileFormat.XZ,
        FileFormat.LZ4,
    }
)
"""What joblib compresses with; told from the content by `joblib.load` as well."""

_ACCEPTED: Final = frozenset({"pickle-native-state"})
"""Findings that the verdict has decided on: no Python code runs, but a compiled parser does."""


@frozen
class Reference:
    """
    A name that a stream refers to.

    Attributes:
        spelled: Module and name as the stream has them; one word where Python 2 called it so.
        entry: What is known of it.
    """

    spelled: tuple[str, str] | str
    entry: Entry


@frozen
class JudgedStream:
    """
    A stream against which the scan found nothing.

    Attributes:
        start: Where it starts in the content.
        end: Where it ends, behind STOP.
        references: The names that it refers to, in the order in which it does, repeated ones too.
        arrays: Where the raw arrays of joblib start and end in the content, in order.
    """

    start: int
    end: int
    references: tuple[Reference, ...]
    arrays: tuple[tuple[int, int], ...] = ()


@frozen
class JudgedPickle:
    """
    The pickle of one file.

    Attributes:
        content: The very bytes that were judged: the file's, or what it is when decompressed.
        compressed: Whether they are another's than the file's.
        joblib: Whether raw arrays are among them.
        stream: What is loaded.
        inner: The pickles that stand for arrays of objects, in order.
    """

    content: bytes
    compressed: bool
    joblib: bool
    stream: JudgedStream
    inner: tuple[JudgedStream, ...] = ()


def judge_pickle(source: ByteSource, *, name: str, where: str) -> JudgedPickle:
    """
    Return the pickle in *source* with what it may ask for, if the scan finds nothing in it.

    Args:
        source: The held bytes.
        name: The file's base name.
        where: The file, for errors.

    Raises:
        ArtifactRefusedError: The scan found something, could not read all of it, or the file is
            not one pickle.
    """
    data = source.read_at(0, source.size)
    content = BytesSource(data)
    judge = _Collector()
    subject = Subject(
        path=where,
        format=sniff(content, name=name).format,
        source=content,
        name=name,
        deadline=rescan_deadline(),
        # By the exact machine, and not by the faster engine: the order of every name counts.
        careful=True,
    )
    objections = [each for each in examine(subject, judge=judge) if not _is_accepted(each)]
    if objections:
        raise _refused(where, _describe(objections[0]), more=len(objections) - 1)
    return _read_facts(judge.facts, subject, where=where)


class _Collector:
    """Judges by the rules, and keeps the facts about pickles."""

    def __init__(self) -> None:
        self.facts: list[PickleFacts] = []

    def __call__(self, facts: Facts, /) -> Iterator[Finding]:
        if isinstance(facts, PickleFacts):
            self.facts.append(facts)
        return judge_by_rules(facts)


def _read_facts(facts: list[PickleFacts], root: Subject, *, where: str) -> JudgedPickle:
    """Return what was judged as the file's one pickle, and refuse pickles anywhere else."""
    if not facts:
        raise _refused(where, f"no pickle, but {root.format}")
    first, *others = facts
    subject = first.subject
    depth = 1 if root.format in COMPRESSED else 0
    if subject.depth != depth or subject.format not in PICKLES or first.trace.start:
        raise _refused(where, f"a pickle within {root.format}")
    # The rules have judged what constants hold. No load reads it: whatever name unpickles a
    # constant is refused below.
    others = [each for each in others if not _is_constant(each.subject, within=subject)]
    if any(each.subject.source is not subject.source for each in others):
        raise _refused(where, "a pickle within the pickle")
    expected = {Dialect.PLAIN: [], Dialect.JOBLIB: [Dialect.NUMPY, Dialect.PLAIN]}
    known = expected.get(first.dialect)
    if known is None or any(each.dialect not in known for each in others):
        raise _refused(where, "several pickles, or one that another program reads")
    source = subject.source
    return JudgedPickle(
        content=source.read_at(0, source.size),
        compressed=bool(depth),
        joblib=first.dialect is Dialect.JOBLIB,
        stream=_judged(first, where=where),
        inner=tuple(_judged(each, where=where) for each in others if each.dialect is Dialect.NUMPY),
    )


def _is_constant(subject: Subject, *, within: Subject) -> bool:
    """Tell whether *subject* is a file in a constant of the pickle *within*."""
    around = "" if within.member is None else f"{within.member}!"
    return (subject.member or "").startswith(f"{around}bytes@") and subject.depth > within.depth


def _judged(facts: PickleFacts, *, where: str) -> JudgedStream:
    trace = facts.trace
    if not trace.complete or trace.limits or trace.uncounted or facts.carried:
        raise _refused(where, "a pickle that was not followed to its end")
    return JudgedStream(
        start=trace.start,
        end=trace.end,
        references=tuple(_reference(node, where=where) for node in trace.globals),
        arrays=facts.raw,
    )


def _reference(node: GlobalNode, *, where: str) -> Reference:
    entry = find_entry(node.dotted)
    if entry is None or node.computed or not is_listed(node):
        raise _refused(where, f"the name {node.dotted}, which is not on the allow-list")
    if entry.args is Arguments.NESTED_PICKLE:
        # The function itself unpickles, and by no allow-list.
        raise _refused(where, f"the name {node.dotted}, which unpickles on its own")
    spelled = (node.module, node.name) if node.spelled is None else node.spelled
    return Reference(spelled=spelled, entry=entry)


def _is_accepted(found: Finding | Gap) -> bool:
    return isinstance(found, Finding) and found.rule in _ACCEPTED


def _describe(found: Finding | Gap) -> str:
    return f"{found.rule}: {found.message}" if isinstance(found, Finding) else found.reason


def _refused(where: str, found: str, *, more: int = 0) -> ArtifactRefusedError:
    return ArtifactRefusedError(
        "the pickle is not one that can be loaded safely",
        code=Code.LOAD_REFUSED,
        where=where,
        expected="names of the allow-list only, with arguments that they may get",
        found=found[:400] + (f", and {more} more" if more else ""),
        hint="Say weighbridge scan for all of it, and ask the publisher for another format",
    )
