"""The examination of one file: nothing that an analyzer does makes a file pass."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from support.scanning import FakeClock, subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import (
    ArtifactChangedError,
    LimitExceededError,
    MalformedContentError,
)
from weighbridge.core.evidence import Confidence, Finding, Gap, Severity, Stage
from weighbridge.core.limits.archives import MAX_ARCHIVE_NESTING
from weighbridge.core.limits.scanning import MAX_FINDINGS_PER_FILE, MAX_SCAN_SECONDS
from weighbridge.scan import registry
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import (
    Analysis,
    Analyzer,
    Deadline,
    Facts,
    Match,
    Rule,
    Subject,
    SubjectFacts,
)


class _Severities(Facts):
    """Facts of the test: the severities that the rule is to find."""

    __slots__ = ("wanted",)
    wanted: tuple[Severity, ...]


class _Echo(Rule[_Severities]):
    """Finds what the facts say."""

    id: ClassVar[str] = "echo"
    severity: ClassVar[Severity] = Severity.LOW
    consumes: ClassVar[type[Facts]] = _Severities

    def check(self, facts: _Severities, /) -> Iterator[Match]:
        """Yield one match for each severity."""
        for severity in facts.wanted:
            yield Match(message="echo", severity=severity, confidence=Confidence.LOW)


def _facts(subject: Subject, *wanted: Severity) -> _Severities:
    facts = _Severities(subject=subject)
    object.__setattr__(facts, "wanted", wanted)
    return facts


class Frame:
    """A registry with analyzers of the test's own and one rule."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.analyzers: dict[FileFormat, Any] = {}
        self.rules: list[Rule[Any]] = [_Echo()]
        monkeypatch.setattr(registry, "analyzer_for", self._analyzer_for)
        monkeypatch.setattr(registry, "rules_for", self._rules_for)

    def _analyzer_for(self, file_format: FileFormat) -> Analyzer | None:
        analyzer: Analyzer | None = self.analyzers.get(file_format)
        return analyzer

    def _rules_for(self, kind: type[Facts]) -> tuple[Rule[Any], ...]:
        return tuple(rule for rule in self.rules if issubclass(kind, rule.consumes))


@pytest.fixture
def frame(monkeypatch: pytest.MonkeyPatch) -> Frame:
    """A registry of the test's own."""
    return Frame(monkeypatch)


def _codes(evidence: tuple[Finding | Gap, ...]) -> list[Code]:
    return [item.code for item in evidence if isinstance(item, Gap)]


def _raising(error: BaseException) -> Analyzer:
    def analyze(subject: Subject) -> Analysis:
        yield _facts(subject, Severity.HIGH)
        raise error

    return analyze


SUBJECT = subject_of(b"x", format=FileFormat.PICKLE)


class TestFailures:
    """Every way for an analyzer to fail is a gap, and what was found before it stands."""

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (MalformedContentError("broken"), Code.SCAN_MALFORMED),
            (LimitExceededError("too much"), Code.SCAN_LIMIT),
            (LimitExceededError("too long", code=Code.SCAN_TIMEOUT), Code.SCAN_TIMEOUT),
            (ArtifactChangedError("changed"), Code.FILE_CHANGED),
            (RecursionError(), Code.SCAN_CRASHED),
            (MemoryError(), Code.SCAN_LIMIT),
            (ZeroDivisionError("division by zero"), Code.SCAN_CRASHED),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_failure_is_a_gap(self, frame: Frame, error: Exception, code: Code) -> None:
        """An analyzer that raises leaves its findings and a gap that says why."""
        frame.analyzers[FileFormat.PICKLE] = _raising(error)
        finding, gap = examine(SUBJECT)
        assert isinstance(finding, Finding)
        assert finding.severity is Severity.HIGH
        assert isinstance(gap, Gap)
        assert gap.code is code
        assert gap.stage is Stage.SCAN

    def test_what_is_said_once(self, frame: Frame) -> None:
        """A gap has its file and its code by itself: the reason says neither again."""
        error = MalformedContentError("broken", where=SUBJECT.path, found="\x1b")
        frame.analyzers[FileFormat.PICKLE] = _raising(error)
        gap = examine(SUBJECT)[-1]
        assert isinstance(gap, Gap)
        assert gap.reason == "broken: found \\x1b"
        frame.analyzers[FileFormat.PICKLE] = _raising(
            MalformedContentError("broken", where="header")
        )
        gap = examine(SUBJECT)[-1]
        assert isinstance(gap, Gap)
        assert gap.reason == "header: broken"

    def test_no_failure_is_no_gap(self, frame: Frame) -> None:
        """An analyzer that ends leaves nothing but its findings."""

        def analyze(subject: Subject) -> Analysis:
            yield _facts(subject, Severity.HIGH)

        frame.analyzers[FileFormat.PICKLE] = analyze
        assert [type(item) for item in examine(SUBJECT)] == [Finding]

    def test_interrupt_is_not_swallowed(self, frame: Frame) -> None:
        """A user's interrupt ends the scan."""
        frame.analyzers[FileFormat.PICKLE] = _raising(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            examine(SUBJECT)

    @pytest.mark.parametrize(
        "nonsense",
        [
            None,
            b"bytes",
            Gap(stage=Stage.SCAN, code=Code.SCAN_LIMIT, path="elsewhere", reason=""),
            Gap(stage=Stage.INVENTORY, code=Code.SCAN_LIMIT, path="file.bin", reason=""),
            subject_of(b"", format=FileFormat.EMPTY, path="elsewhere"),
            SubjectFacts(subject=subject_of(b"", format=FileFormat.EMPTY, path="elsewhere")),
        ],
    )
    def test_nonsense_is_a_gap(self, frame: Frame, nonsense: Any) -> None:
        """What is no facts, subject or gap of this very file is a crash of the analyzer."""
        frame.analyzers[FileFormat.PICKLE] = lambda _: iter([nonsense])
        assert _codes(examine(SUBJECT)) == [Code.SCAN_CRASHED]

    def test_analyzer_that_is_no_generator(self, frame: Frame) -> None:
        """An analyzer that returns no iterator is a crash."""
        frame.analyzers[FileFormat.PICKLE] = lambda _: [1]
        assert _codes(examine(SUBJECT)) == [Code.SCAN_CRASHED]

    def test_analyzer_that_raises_at_once(self, frame: Frame) -> None:
        """An analyzer that raises before it yields is a gap, like any other."""

        def analyze(_: Subject) -> Analysis:
            raise MalformedContentError("broken")

        frame.analyzers[FileFormat.PICKLE] = analyze
        assert _codes(examine(SUBJECT)) == [Code.SCAN_MALFORMED]

    def test_failing_rule(self, frame: Frame) -> None:
        """A rule that raises is a gap about the file it looked at."""

        class Broken(_Echo):
            """Raises."""

            def check(self, _: _Severities, /) -> Iterator[Match]:
                """Raise."""
                raise KeyError("missing")

        frame.rules = [Broken()]
        frame.analyzers[FileFormat.PICKLE] = lambda s: iter([_facts(s, Severity.LOW)])
        assert _codes(examine(SUBJECT)) == [Code.SCAN_CRASHED]

    def test_reason_is_printable(self, frame: Frame) -> None:
        """Text of the artifact in an error cannot drive the terminal."""
        frame.analyzers[FileFormat.PICKLE] = _raising(ValueError("\x1b[2J"))
        gap = examine(SUBJECT)[-1]
        assert isinstance(gap, Gap)
        assert "\x1b" not in gap.reason
        assert "x1b[2J" in gap.reason

    def test_failing_close(self, frame: Frame) -> None:
        """An analyzer that fails while it is closed is a gap too, and only its own."""
        closed = []

        def analyze(subject: Subject) -> Analysis:
            try:
                yield _facts(subject, Severity.LOW)
                yield _facts(subject, Severity.LOW)
            finally:
                closed.append(subject)
                raise OSError("cannot close")

        clock = FakeClock()
        frame.analyzers[FileFormat.PICKLE] = analyze
        timed = Subject(
            path="file.bin",
            format=FileFormat.PICKLE,
            source=BytesSource(b"x"),
            deadline=Deadline(clock=clock, at=2),
        )
        clock.step = 1
        assert _codes(examine(timed)) == [Code.SCAN_TIMEOUT, Code.SCAN_CRASHED]
        assert closed == [timed]


class TestTime:
    """The examination of a file ends at its deadline."""

    def test_endless_analyzer(self, frame: Frame) -> None:
        """An analyzer that never ends is stopped, closed and reported once."""
        closed = []

        def analyze(subject: Subject) -> Analysis:
            try:
                while True:
                    yield _facts(subject)
            finally:
                closed.append(subject)

        frame.analyzers[FileFormat.PICKLE] = analyze
        clock = FakeClock(step=1)
        timed = Subject(
            path="file.bin",
            format=FileFormat.PICKLE,
            source=BytesSource(b"x"),
            deadline=Deadline(clock=clock, at=MAX_SCAN_SECONDS),
        )
        assert _codes(examine(timed)) == [Code.SCAN_TIMEOUT]
        assert closed == [timed]
        assert clock.now < MAX_SCAN_SECONDS + 3

    def test_endless_member(self, frame: Frame) -> None:
        """When a member uses up the file's time, the archive around it ends with it."""

        def outer(subject: Subject) -> Analysis:
            yield subject.nested(member="a", format=FileFormat.PICKLE, source=BytesSource(b""))
            yield _facts(subject, Severity.HIGH)

        def inner(subject: Subject) -> Analysis:
            while True:
                subject.check_time()
                yield _facts(subject)

        frame.analyzers |= {FileFormat.ZIP: outer, FileFormat.PICKLE: inner}
        timed = Subject(
            path="file.bin",
            format=FileFormat.ZIP,
            source=BytesSource(b"x"),
            deadline=Deadline(clock=FakeClock(step=1), at=9),
        )
        (gap,) = examine(timed)
        assert isinstance(gap, Gap)
        assert gap.code is Code.SCAN_TIMEOUT
        assert gap.member == "a"


class TestMembers:
    """Members are examined like files."""

    def test_member_without_analyzer(self, frame: Frame) -> None:
        """A member that could carry code and that nobody reads is a gap about that member."""
        frame.analyzers[FileFormat.ZIP] = _archive_of(FileFormat.HDF5)
        (gap,) = examine(subject_of(b"", format=FileFormat.ZIP))
        assert isinstance(gap, Gap)
        assert (gap.code, gap.member) == (Code.SCAN_UNSUPPORTED, "member")

    def test_member_that_is_data(self, frame: Frame) -> None:
        """A member that can only be data needs no analyzer."""
        frame.analyzers[FileFormat.ZIP] = _archive_of(FileFormat.IMAGE)
        assert examine(subject_of(b"", format=FileFormat.ZIP)) == ()

    def test_failing_member_does_not_end_its_archive(self, frame: Frame) -> None:
        """What follows a broken member is examined nevertheless."""

        def outer(subject: Subject) -> Analysis:
            yield subject.nested(member="a", format=FileFormat.PICKLE, source=BytesSource(b""))
            yield _facts(subject, Severity.CRITICAL)

        frame.analyzers |= {
            FileFormat.ZIP: outer,
            FileFormat.PICKLE: _raising(MalformedContentError("broken")),
        }
        evidence = examine(subject_of(b"", format=FileFormat.ZIP))
        assert [e.severity for e in evidence if isinstance(e, Finding)] == [
            Severity.HIGH,
            Severity.CRITICAL,
        ]
        assert _codes(evidence) == [Code.SCAN_MALFORMED]

    def test_nesting_is_bounded(self, frame: Frame) -> None:
        """Archives within archives end in a gap at the limit, even without end."""
        frame.analyzers[FileFormat.ZIP] = _archive_of(FileFormat.ZIP)
        (gap,) = examine(subject_of(b"", format=FileFormat.ZIP))
        assert isinstance(gap, Gap)
        assert gap.code is Code.SCAN_LIMIT
        assert gap.member == "!".join(["member"] * (MAX_ARCHIVE_NESTING + 1))

    def test_analyzer_that_yields_its_own_subject(self, frame: Frame) -> None:
        """An analyzer that hands its own subject back does not loop for ever."""
        frame.analyzers[FileFormat.ZIP] = lambda subject: iter([subject])
        assert _codes(examine(subject_of(b"", format=FileFormat.ZIP))) == [Code.SCAN_LIMIT]

    def test_unsupported_file(self, frame: Frame) -> None:
        """A file in a format that no analyzer reads is a gap."""
        assert not frame.analyzers
        assert _codes(examine(subject_of(b"", format=FileFormat.ONNX))) == [Code.SCAN_UNSUPPORTED]


def _archive_of(inner: FileFormat) -> Analyzer:
    def analyze(subject: Subject) -> Analysis:
        yield subject.nested(member="member", format=inner, source=BytesSource(b""))

    return analyze


class TestBounds:
    """The number of findings is bounded without losing the gravest."""

    def test_flood_does_not_hide_the_gravest(self, frame: Frame) -> None:
        """After a flood of small findings, the critical one is listed and the rest counted."""

        def analyze(subject: Subject) -> Analysis:
            yield _facts(subject, *[Severity.LOW] * (MAX_FINDINGS_PER_FILE + 5), Severity.CRITICAL)

        frame.analyzers[FileFormat.PICKLE] = analyze
        *findings, gap = examine(SUBJECT)
        assert len(findings) == MAX_FINDINGS_PER_FILE
        assert isinstance(findings[-1], Finding)
        assert findings[-1].severity is Severity.CRITICAL
        assert isinstance(gap, Gap)
        assert gap.code is Code.SCAN_LIMIT
        assert gap.reason.startswith("6 further")

    def test_as_many_as_allowed(self, frame: Frame) -> None:
        """Findings up to the bound are all listed, and there is no gap."""
        frame.analyzers[FileFormat.PICKLE] = lambda s: iter(
            [_facts(s, *[Severity.LOW] * MAX_FINDINGS_PER_FILE)]
        )
        evidence = examine(SUBJECT)
        assert len(evidence) == MAX_FINDINGS_PER_FILE
        assert not _codes(evidence)

    def test_gaps_are_bounded(self, frame: Frame) -> None:
        """Gaps beyond the bound are counted in one more."""
        frame.analyzers[FileFormat.PICKLE] = lambda s: iter(
            [s.gap("unread")] * (MAX_FINDINGS_PER_FILE + 3)
        )
        evidence = examine(SUBJECT)
        assert len(evidence) == MAX_FINDINGS_PER_FILE + 1
        assert isinstance(evidence[-1], Gap)
        assert evidence[-1].reason.startswith("3 further")
