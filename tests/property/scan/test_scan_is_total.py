"""Whatever analyzers do, every model file of an inventory is accounted for."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from support.scanning import FakeClock, MemoryContents, entry_of, inventory_of
from weighbridge.core.artifact import Carries, EntryRole, FileEntry, FileFormat, carries
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import (
    ArtifactChangedError,
    LimitExceededError,
    MalformedContentError,
    OperationError,
)
from weighbridge.core.evidence import Clean, Finding, Gap, Severity, Stage
from weighbridge.core.limits.scanning import MAX_SCAN_SECONDS
from weighbridge.core.values import frozen
from weighbridge.scan import registry
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Analysis, Analyzer, Facts, Match, Rule, Subject
from weighbridge.scan.report import FileStatus, ScanReport, ScanVerdict
from weighbridge.scan.runner import scan_inventory


@frozen
class _BadFacts(Facts):
    """Facts that the rule of these tests finds."""


class _FindsBad(Rule[_BadFacts]):
    """Finds every one of the facts."""

    id: ClassVar[str] = "finds-bad"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = _BadFacts

    def check(self, _: _BadFacts, /) -> Iterator[Match]:
        """Yield one match."""
        yield Match(message="bad")


_ERRORS: tuple[Exception, ...] = (
    MalformedContentError("broken"),
    LimitExceededError("too much"),
    ArtifactChangedError("changed"),
    OperationError("unreadable"),
    RecursionError(),
    MemoryError(),
    ValueError("a bug"),
)

Step = Callable[[Subject], Any]
"""What a simulated analyzer does in one step: yields what it returns, or raises."""


def _raise(error: Exception) -> Step:
    def step(_: Subject) -> Any:
        raise error

    return step


_STEPS: st.SearchStrategy[Step] = st.one_of(
    st.just(lambda subject: _BadFacts(subject=subject)),
    st.just(lambda subject: subject.gap("unread")),
    st.sampled_from(_ERRORS).map(_raise),
    st.sampled_from([None, 0, "text", b"bytes", object()]).map(lambda value: lambda _: value),
    st.sampled_from(FileFormat).map(
        lambda each: (
            lambda subject: subject.nested(member="m", format=each, source=BytesSource(b""))
        )
    ),
    st.just(lambda subject: subject),
)


@st.composite
def _analyzers(draw: st.DrawFn) -> dict[FileFormat, Analyzer]:
    """Return analyzers for some formats, each with a script of steps, some without an end."""
    scripts = draw(
        st.dictionaries(
            st.sampled_from(FileFormat),
            st.tuples(st.lists(_STEPS, max_size=4), st.booleans()),
            max_size=5,
        )
    )
    return {each: _analyzer(steps, endless=endless) for each, (steps, endless) in scripts.items()}


def _analyzer(steps: list[Step], *, endless: bool) -> Analyzer:
    def analyze(subject: Subject) -> Analysis:
        for step in steps:
            yield step(subject)
        while endless:
            yield _BadFacts(subject=subject)

    return analyze


_ENTRIES: st.SearchStrategy[list[FileEntry]] = st.lists(
    st.builds(
        entry_of,
        st.text(st.sampled_from("abc/"), min_size=1, max_size=4),
        size=st.integers(0, 2),
        format=st.none() | st.sampled_from(FileFormat),
        role=st.sampled_from(EntryRole),
    ),
    max_size=6,
    unique_by=lambda entry: entry.path,
)


@given(
    entries=_ENTRIES,
    analyzers=_analyzers(),
    failures=st.dictionaries(
        st.text(st.sampled_from("abc/"), min_size=1, max_size=4), st.sampled_from(_ERRORS[2:4])
    ),
    wrong_sizes=st.sets(st.text(st.sampled_from("abc/"), min_size=1, max_size=4)),
)
def test_every_model_file_is_accounted_for(
    entries: list[FileEntry],
    analyzers: dict[FileFormat, Analyzer],
    failures: dict[str, Exception],
    wrong_sizes: set[str],
) -> None:
    """Each model file has findings or gaps or exactly one Clean; other files have nothing."""
    report = _scan(entries, analyzers, failures, wrong_sizes)
    for entry in entries:
        about = [e for e in report.evidence if e.path == entry.path]
        clean = [e for e in about if isinstance(e, Clean)]
        if entry.role is not EntryRole.MODEL:
            assert about == []
            assert report.status_of(entry.path) is FileStatus.NOT_SCANNED
        elif clean:
            assert about == [Clean(stage=Stage.SCAN, path=entry.path)]
            assert entry.path not in failures
            assert entry.path not in wrong_sizes
            assert entry.format in analyzers or entry.format in registry.NO_ANALYZER_NEEDED
        else:
            assert about
    assert len(report.evidence) >= len(report.inventory.model_entries)
    assert (report.verdict is ScanVerdict.CLEAN) == (
        bool(report.inventory.model_entries) and all(isinstance(e, Clean) for e in report.evidence)
    )


@given(steps=st.lists(_STEPS, max_size=6))
def test_trouble_leaves_a_trace(steps: list[Step]) -> None:
    """An analyzer that does anything but end quietly leaves a finding or a gap."""
    report = _scan(
        [entry_of("a", size=0, format=FileFormat.ZIP)],
        {FileFormat.ZIP: _analyzer(steps, endless=False)},
        {},
        set(),
    )
    noisy = [e for e in report.evidence if isinstance(e, Finding | Gap)]
    harmless_members = {each for each in FileFormat if carries(each) is Carries.DATA}
    harmless_members |= set(registry.NO_ANALYZER_NEEDED)
    quiet = all(_is_harmless_member(step, harmless_members) for step in steps)
    assert quiet == (not noisy)


def _is_harmless_member(step: Step, formats: set[FileFormat]) -> bool:
    """Tell whether *step* yields a member that can only be data."""
    subject = Subject(path="a", format=FileFormat.ZIP, source=BytesSource(b""))
    try:
        item = step(subject)
    except Exception:  # noqa: BLE001  the script raises by design
        return False
    return isinstance(item, Subject) and item is not subject and item.format in formats


@given(pause=st.floats(min_value=0.5, max_value=1e6))
def test_endless_analyzers_end(pause: float) -> None:
    """However slow the clock moves, an analyzer without an end is cut off with a gap."""
    report = _scan(
        [entry_of("a", size=0, format=FileFormat.ZIP)],
        {FileFormat.ZIP: _analyzer([], endless=True)},
        {},
        set(),
        step=pause,
    )
    (gap,) = report.gaps
    assert gap.code is Code.SCAN_TIMEOUT


def _scan(
    entries: list[FileEntry],
    analyzers: dict[FileFormat, Analyzer],
    failures: dict[str, Exception],
    wrong_sizes: set[str],
    *,
    step: float = MAX_SCAN_SECONDS / 40,
) -> ScanReport:
    """Scan simulated files with simulated analyzers."""
    files = {e.path: bytes(e.size + (e.path in wrong_sizes)) for e in entries}
    rules = (_FindsBad(),)
    with (
        patch.object(registry, "analyzer_for", analyzers.get),
        patch.object(
            registry,
            "rules_for",
            lambda kind: tuple(r for r in rules if issubclass(kind, r.consumes)),
        ),
    ):
        return scan_inventory(
            inventory_of(*entries),
            MemoryContents(files, failures=failures),
            clock=FakeClock(step=step),
            examiner=examine,
        )
