r"""
What scanning is made of.

::

    file --analyzer--> facts --rules--> findings
                 \--> gaps (what the analyzer could not read)

An *analyzer* reads a format once and yields facts, nested subjects and gaps; it has no
opinion. A *rule* looks at one kind of facts and yields findings; it reads no bytes. So each
format is parsed in one place, and each opinion has one file, one test, one vector and one
section of `docs/rules.md`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.evidence import Confidence, Finding, Gap, Severity, Stage
from weighbridge.core.limits.archives import MAX_INFLATED_BYTES, MAX_SCANNED_MEMBERS
from weighbridge.core.limits.scanning import MAX_EVIDENCE_CHARS
from weighbridge.core.values import frozen
from weighbridge.sandbox.interface import Confinement

Clock = Callable[[], float]
"""Seconds of a clock that never goes back; only differences mean anything."""


@frozen
class Deadline:
    """The moment at which the examination of a file ends, whatever is left of it."""

    clock: Clock
    at: float

    def check(self) -> None:
        """
        Return while there is time left.

        Raises:
            LimitExceededError: The time is used up; code `scan-timeout`.
        """
        if self.clock() > self.at:
            raise LimitExceededError("the time for one file is used up", code=Code.SCAN_TIMEOUT)


class Budget:
    """
    What the examination of one file may still inflate and open, over all archives within it.

    One bound for each member would not do: a file of many members, or of archives within
    archives, multiplies it.

    Attributes:
        examined: How many members have been examined so far, for the report.
    """

    __slots__ = ("_bytes", "_members", "examined")

    def __init__(
        self, *, inflated: int = MAX_INFLATED_BYTES, members: int = MAX_SCANNED_MEMBERS
    ) -> None:
        self._bytes = inflated
        self._members = members
        self.examined = 0

    def spend(self, count: int, /) -> None:
        """
        Take *count* bytes off what may be inflated.

        Raises:
            LimitExceededError: There are not so many left, or there were not before: what was
                met once is met for good, so that no member after it costs anything.
        """
        self._bytes -= count
        if self._bytes < 0:
            self._bytes = -1
            raise LimitExceededError(
                "the archives in this file hold more than is inflated for one scan",
                expected=f"at most {MAX_INFLATED_BYTES} bytes in all",
            )

    def open_member(self) -> None:
        """
        Count one more member.

        Raises:
            LimitExceededError: There were too many before.
        """
        if self._members <= 0:
            raise LimitExceededError("the archives in this file have too many members in all")
        self._members -= 1


@frozen
class Subject:
    """
    Bytes to be examined: a file, or a member of one.

    Attributes:
        path: The file, relative to the artifact's root.
        member: The member within it; `a.zip!b` nests; None for the file itself.
        format: As sniffed from the bytes.
        source: The bytes.
        name: Base name of the file or member; a hint, empty where there is none.
        suffix_format: The format that the name's suffix promises, where that is another one.
        depth: Archives around this subject.
        around: Formats of what it was found in, the file's own first; empty for a file itself.
        siblings: Paths of all files of the artifact.
        sizes: Bytes of those files, where known.
        formats: Formats, by their bytes, of those files that the same scan examines; empty where
            nothing but this file is examined.
        deadline: When the examination of the file ends; None for no end.
        also: What other readers could take the bytes for, where that was told already; None
            where it was not.
        budget: What the examination of the file may still inflate, shared by all its members.
        careful: Whether to do without engines that are only faster.
    """

    path: str
    member: str | None = None
    format: FileFormat
    source: ByteSource
    name: str = ""
    suffix_format: FileFormat | None = None
    depth: int = 0
    around: tuple[FileFormat, ...] = ()
    siblings: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    formats: Mapping[str, FileFormat] = field(default_factory=dict, compare=False, repr=False)
    deadline: Deadline | None = None
    also: tuple[FileFormat, ...] | None = None
    budget: Budget = field(default_factory=Budget, compare=False, repr=False)
    careful: bool = False

    def nested(
        self,
        *,
        member: str,
        format: FileFormat,  # noqa: A002  mirrors the attribute
        source: ByteSource,
        also: tuple[FileFormat, ...] | None = None,
    ) -> "Subject":
        """Return the subject for *member* of this one."""
        return Subject(
            path=self.path,
            member=member if self.member is None else f"{self.member}!{member}",
            format=format,
            source=source,
            name=member.rpartition("/")[2],
            depth=self.depth + 1,
            around=(*self.around, self.format),
            siblings=self.siblings,
            sizes=self.sizes,
            formats=self.formats,
            deadline=self.deadline,
            also=also,
            budget=self.budget,
            careful=self.careful,
        )

    def check_time(self) -> None:
        """
        Return while the file's time is not used up; for an analyzer's long loops.

        Raises:
            LimitExceededError: It is; code `scan-timeout`.
        """
        if self.deadline is not None:
            self.deadline.check()

    def gap(self, reason: str, *, code: Code = Code.SCAN_MALFORMED) -> Gap:
        """Return a gap of the scan stage about this subject."""
        return Gap(stage=Stage.SCAN, code=code, path=self.path, member=self.member, reason=reason)


Examiner = Callable[[Subject], tuple[Finding | Gap, ...]]
"""
Examines a file and everything in it, and never raises for what the file holds.

No finding and no gap means that every byte was accounted for. How many members of the file were
examined is added up in the subject's budget.
"""


@runtime_checkable
class Confining(Protocol):
    """An examiner that can say what the processes are kept to that examine."""

    @property
    def confinement(self) -> Confinement | None:
        """What they are kept to, the least of them; None before the first one has started."""
        ...


def confinement_of(examiner: object, /) -> Confinement | None:
    """Return what the processes behind *examiner* are kept to, where it can say so."""
    return examiner.confinement if isinstance(examiner, Confining) else None


@frozen
class Facts:
    """
    What an analyzer learned of a subject; each analyzer has its own subclass.

    Attributes:
        subject: What it was learned of.
        line: The line of a text that it was learned from, from 1, where that is known.
    """

    subject: Subject
    line: int | None = None


@frozen
class SubjectFacts(Facts):
    """
    What is known of every subject before any analyzer reads it: its names and its format.

    Attributes:
        also: Formats that other readers could take the same bytes for.
    """

    also: tuple[FileFormat, ...] = ()


F = TypeVar("F", bound=Facts)

Analysis = Iterator[Facts | Subject | Gap]
"""What an analyzer yields. A yielded subject is examined in its turn, up to the nesting limit."""

Analyzer = Callable[[Subject], Analysis]
"""Reads a subject once. May raise `MalformedContentError` and `LimitExceededError`: gaps."""


@frozen
class Match:
    """One hit of a rule, to be completed with the rule's and the subject's names."""

    message: str
    offset: int | None = None
    line: int | None = None
    evidence: tuple[str, ...] = ()
    severity: Severity | None = None
    confidence: Confidence | None = None


class Rule(Generic[F]):
    """
    An opinion about one kind of facts; see `rules/`.

    Subclasses set `id` (kebab-case, equal to the module's name with hyphens), `severity` and
    `confidence` (defaults of their matches), `consumes` (the facts' class), and define `check`.
    """

    id: ClassVar[str]
    severity: ClassVar[Severity]
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]]

    def check(self, facts: F, /) -> Iterable[Match]:
        """Yield what speaks against the subject."""
        raise NotImplementedError

    def findings(self, facts: F, /) -> Iterator[Finding]:
        """Yield the findings of this rule about *facts*."""
        for match in self.check(facts):
            yield Finding(
                rule=self.id,
                severity=match.severity or self.severity,
                confidence=match.confidence or self.confidence,
                path=facts.subject.path,
                member=facts.subject.member,
                offset=match.offset,
                line=facts.line if match.line is None else match.line,
                message=match.message,
                evidence=tuple(shorten(line) for line in match.evidence),
            )


def shorten(text: str) -> str:
    """Return *text* cut to the evidence limit, marked where it was cut."""
    if len(text) <= MAX_EVIDENCE_CHARS:
        return text
    return text[: MAX_EVIDENCE_CHARS - 1] + "…"
