"""
The examination of one file: analyzer to facts, facts to findings, members in their turn.

Whatever an analyzer does, raise, yield nonsense or never end, the outcome is findings and
gaps; no file passes because its examination failed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from weighbridge.core.artifact import Carries, FileFormat, carries
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    LimitExceededError,
    MalformedContentError,
    WeighbridgeError,
    printable,
)
from weighbridge.core.evidence import Finding, Gap, Severity, Stage
from weighbridge.core.limits.archives import MAX_ARCHIVE_NESTING
from weighbridge.core.limits.scanning import MAX_FINDINGS_PER_FILE
from weighbridge.formats.sniff import sniff
from weighbridge.scan import registry
from weighbridge.scan.interface import Facts, Subject, SubjectFacts, shorten
from weighbridge.scan.text_names import HTML, SITE, YAML, is_read_by_name, suffix_of

_END: Final = object()
_TEXTS: Final = frozenset({FileFormat.TEXT, FileFormat.JSON, FileFormat.YAML})
_BY_NAME: Final = frozenset(
    {FileFormat.EMPTY, FileFormat.PYTHON_SOURCE, FileFormat.SCRIPT, FileFormat.TEXT}
)
"""Formats whose analyzers go by the name already, and files that have nothing to be read."""
_ZIPS: Final = frozenset(
    {
        FileFormat.KERAS_V3,
        FileFormat.EXPORTED_PROGRAM,
        FileFormat.NPZ,
        FileFormat.SKOPS,
        FileFormat.TORCHSCRIPT,
        FileFormat.TORCHSERVE,
        FileFormat.TORCH_PACKAGE,
        FileFormat.TORCH_ZIP,
        FileFormat.ZIP,
    }
)

_WHOLE_MESSAGES: Final = frozenset(
    {
        FileFormat.KERAS_METADATA,
        FileFormat.SAVEDMODEL,
        FileFormat.TF_GRAPH,
        FileFormat.TF_METAGRAPH,
    }
)
"""Formats of code that have no end of their own, so that their analyzers look behind nothing."""


FactsJudge = Callable[[Facts], Iterable[Finding]]
"""What is said of each of the facts about a file."""


def judge_by_rules(facts: Facts, /) -> Iterator[Finding]:
    """Yield what the rules find in *facts*."""
    kind: Any = type(facts)  # mypy takes the class for one of its instances
    for rule in registry.rules_for(kind):
        yield from rule.findings(facts)


def examine(subject: Subject, *, judge: FactsJudge = judge_by_rules) -> tuple[Finding | Gap, ...]:
    """
    Examine *subject* and everything in it, in this process.

    Args:
        subject: The file.
        judge: What is said of each of the facts about it; the rules' findings as a rule.

    Returns:
        Findings and gaps; none of either means that every byte was accounted for.
    """
    return _Examination(subject, judge).run()


class _Examination:
    """One file's examination: a stack of running analyzers, that of the innermost member on top."""

    def __init__(self, root: Subject, judge: FactsJudge) -> None:
        self._root = root
        self._judge_facts = judge
        self._kept = _Kept()
        self._stack: list[tuple[Subject, Iterator[object]]] = []

    def run(self) -> tuple[Finding | Gap, ...]:
        """Examine the file to its end or to its deadline."""
        self._attempt(self._root, lambda: self._enter(self._root))
        while self._stack:
            subject, _ = self._stack[-1]
            failure = self._attempt(subject, self._step)
            if failure is Code.SCAN_TIMEOUT:
                while self._stack:
                    self._leave()
            elif failure is not None:
                self._leave()
        return self._kept.all_of(self._root)

    def _attempt(self, subject: Subject, action: Callable[[], None]) -> Code | None:
        """Do *action*; return None, or the code of the gap about *subject* that it ended in."""
        try:
            action()
        except WeighbridgeError as error:
            code, reason = _gap_code(error), error.told(at=subject.path)
        except MemoryError:
            code = Code.SCAN_LIMIT
            reason = "the memory for one file is used up"
        # The one broad handler of the scan, at what becomes a process boundary: analyzers and
        # rules run on hostile bytes, and any failure of theirs (a bug, RecursionError)
        # has to end as a gap about this file and not as the end of the scan.
        except Exception as error:  # noqa: BLE001  see above
            code = Code.SCAN_CRASHED
            reason = printable(f"the examination failed: {type(error).__name__}: {error}")
        else:
            return None
        self._kept.add_gap(subject.gap(shorten(reason), code=code))
        return code

    def _enter(self, subject: Subject) -> None:
        """Judge what is known of *subject* already and start its analyzer."""
        if len(self._stack) > MAX_ARCHIVE_NESTING:
            reason = f"more than {MAX_ARCHIVE_NESTING} archives within archives"
            self._kept.add_gap(subject.gap(reason, code=Code.SCAN_LIMIT))
            return
        also = _other_formats(subject)
        self._judge(SubjectFacts(subject=subject, also=also))
        for file_format in (subject.format, *also, *_promised_formats(subject)):
            self._start(replace(subject, format=file_format, also=None))

    def _start(self, subject: Subject) -> None:
        """Start the analyzer of *subject*'s format, or say that there is none."""
        analyzer = registry.analyzer_for(subject.format)
        if analyzer is not None:
            self._stack.append((subject, analyzer(subject)))
        elif not _needs_no_analyzer(subject):
            reason = f"no analyzer reads the format {subject.format}"
            self._kept.add_gap(subject.gap(reason, code=Code.SCAN_UNSUPPORTED))

    def _step(self) -> None:
        """Take one item of the innermost analysis, and leave it at its end."""
        subject, analysis = self._stack[-1]
        subject.check_time()
        item = next(analysis, _END)
        subject.check_time()
        match item:
            case Gap(stage=Stage.SCAN, path=subject.path):
                self._kept.add_gap(item)
            case Facts() if item.subject.path == subject.path:
                self._judge(item)
            case Subject(path=subject.path):
                self._root.budget.examined += 1
                self._attempt(item, lambda: self._enter(item))
            case _ if item is _END:
                self._leave()
            case _:
                message = f"an analyzer of {subject.format} yielded {type(item).__name__}"
                raise TypeError(message)

    def _leave(self) -> None:
        """Close the innermost analysis."""
        subject, analysis = self._stack.pop()
        close = getattr(analysis, "close", None)
        if close is not None:
            self._attempt(subject, close)

    def _judge(self, facts: Facts) -> None:
        """Keep what is to be said of *facts*."""
        for finding in self._judge_facts(facts):
            self._kept.add_finding(finding)
            facts.subject.check_time()


class _Kept:
    """
    The findings and gaps of one file, up to the bound for each.

    When there are more findings, the gravest are kept and the others counted in a gap: a flood
    of small findings must not wash away the one that matters.
    """

    def __init__(self) -> None:
        self._findings: dict[Severity, list[tuple[int, Finding]]] = {s: [] for s in Severity}
        self._finding_count = 0
        self._gaps: list[Gap] = []
        self._gap_count = 0

    def add_finding(self, finding: Finding) -> None:
        """Keep *finding*, in exchange for a lesser one when there is no room."""
        self._finding_count += 1
        kept = sum(len(bucket) for bucket in self._findings.values())
        if kept >= MAX_FINDINGS_PER_FILE:
            lesser = (s for s in Severity if s.rank < finding.severity.rank and self._findings[s])
            victim = next(lesser, None)
            if victim is None:
                return
            self._findings[victim].pop()
        self._findings[finding.severity].append((self._finding_count, finding))

    def add_gap(self, gap: Gap) -> None:
        """Keep *gap* while there is room."""
        self._gap_count += 1
        if len(self._gaps) < MAX_FINDINGS_PER_FILE:
            self._gaps.append(gap)

    def all_of(self, root: Subject) -> tuple[Finding | Gap, ...]:
        """Return what was kept, findings first, each in the order in which it was met."""
        numbered = sorted(
            (pair for bucket in self._findings.values() for pair in bucket),
            key=lambda pair: pair[0],
        )
        findings = tuple(finding for _, finding in numbered)
        lost = self._finding_count - len(findings) + self._gap_count - len(self._gaps)
        if not lost:
            return (*findings, *self._gaps)
        reason = f"{lost} further findings and gaps are not listed, none graver than those that are"
        return (*findings, *self._gaps, root.gap(reason, code=Code.SCAN_LIMIT))


def _other_formats(subject: Subject) -> tuple[FileFormat, ...]:
    """
    Return what other readers could take the subject's bytes for.

    A zip at the end of a pickle or another format of code is left to that format's analyzer:
    a checkpoint within a pickle is common, and bytes behind one are accounted for there.
    """
    also = subject.also
    if also is None:
        also = sniff(subject.source, name=subject.name).also
    if subject.format is FileFormat.TFLITE:
        # Labels are packed with a model in a zip behind it; the analyzer of TFLite opens it.
        return tuple(each for each in also if each is not FileFormat.ZIP)
    if subject.format in _WHOLE_MESSAGES:
        return also
    if carries(subject.format) in {Carries.CODE, Carries.CONTAINER}:
        return tuple(each for each in also if each not in _ZIPS)
    return also


def _promised_formats(subject: Subject) -> tuple[FileFormat, ...]:
    """
    Return the formats to read the bytes as besides, because their name has a loader do so.

    Two lines of words are a valid start of a pickle of protocol 0, and importing what they name
    is all that the Python unpickler does before it notices that they are no more than that. And
    what begins as a picture, a table or a drawing is a program to the interpreter that is given
    its name.
    """
    found: list[FileFormat] = []
    promised = subject.suffix_format in {FileFormat.PICKLE, FileFormat.JOBLIB}
    if promised and subject.format in _TEXTS:
        found.append(FileFormat.PICKLE)
    name = subject.name.lower()
    suffix = suffix_of(name)
    if suffix == SITE:
        read = carries(subject.format) in {Carries.DATA, Carries.CONFIGURATION}
    else:
        read = is_read_by_name(name) and not (suffix in YAML and subject.format in _TEXTS)
    if read and subject.format not in _BY_NAME:
        found.append(FileFormat.TEXT)
    if suffix in HTML and subject.format not in {FileFormat.HTML, FileFormat.EMPTY}:
        found.append(FileFormat.HTML)
    return tuple(found)


def _needs_no_analyzer(subject: Subject) -> bool:
    """Tell whether telling the subject's format is all the examination that it needs."""
    if subject.format in registry.NO_ANALYZER_NEEDED:
        return True
    # A member that can hold nothing but data reaches its loader through the archive's own
    # format, whose analyzer has looked at it.
    return subject.depth > 0 and carries(subject.format) is Carries.DATA


def _gap_code(error: WeighbridgeError) -> Code:
    """Return the scan's code for *error*; errors of reading keep their own."""
    if isinstance(error, MalformedContentError):
        return Code.SCAN_MALFORMED
    if isinstance(error, LimitExceededError):
        return Code.SCAN_TIMEOUT if error.code is Code.SCAN_TIMEOUT else Code.SCAN_LIMIT
    return error.code
