"""
Ask other scanners about an artifact and add what they say to a report.

They can only add: a file that was clean is clean no longer when one of them finds something, and
no finding or gap of ours goes away. A scanner that is missing, fails or cannot be understood is
a gap of the whole artifact.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from weighbridge.core.artifact import Inventory
from weighbridge.core.codes import Code
from weighbridge.core.errors import WeighbridgeError, one_line
from weighbridge.core.evidence import Clean, Consulted, Finding, Gap, Stage
from weighbridge.core.limits.scanning import MAX_SCANNER_FINDINGS
from weighbridge.core.values import frozen
from weighbridge.scan.interface import shorten
from weighbridge.scan.others.interface import WHOLE, Adapter, Answer, Outcome, Target
from weighbridge.scan.others.process import find_program, run_scanner
from weighbridge.scan.report import ScanReport

Runner = Callable[[Sequence[str]], Outcome]
"""Runs a command over the artifact; a parameter for tests."""

Check = Callable[[], str | None]
"""Says why the files on disk are not, or no longer, those of the inventory; None when they are."""


@frozen
class OtherScanner:
    """
    A scanner to be asked.

    Attributes:
        name: What its findings and gaps are called by.
        adapter: Reads what it says.
        program: Its absolute path, with arguments before the adapter's own; empty to look for
            the adapter's program on PATH.
    """

    name: str
    adapter: Adapter
    program: tuple[str, ...] = ()


def consult(
    report: ScanReport,
    scanners: Iterable[OtherScanner],
    *,
    root: Path,
    unchanged: Check,
    runner: Runner | None = None,
) -> ScanReport:
    """
    Return *report* with what *scanners* say added under their names.

    They read the files at *root* by themselves. *unchanged* is asked before and after each: when
    something there is no longer what the inventory digested, what the scanner said is kept, and
    a gap says that it is about other bytes.

    Args:
        report: What this tool says.
        scanners: Whom to ask, in order.
        root: Absolute path of the artifact.
        unchanged: Compares the files with the inventory.
        runner: Runs a command; by default `process.run_scanner`.
    """
    paths = frozenset(entry.path for entry in report.inventory.entries)
    target = Target(root=root, name=report.inventory.name, paths=paths)
    own = frozenset(finding.path for finding in report.findings)
    added: list[Finding | Gap] = []
    consulted: list[Consulted] = []
    for scanner in scanners:
        asks = scanner.adapter.asks_a_service
        run = runner or partial(run_scanner, root=root, asks_a_service=asks)
        session = _Session(scanner, target, unchanged, run)
        items = session.ask()
        added.extend(items)
        consulted.append(session.summary(items, own=own))
    return replace(
        report,
        evidence=_merged(report.evidence, added, report.inventory),
        consulted=report.consulted + tuple(consulted),
    )


class _Session:
    """One scanner, asked once."""

    def __init__(
        self, scanner: OtherScanner, target: Target, unchanged: Check, run: Runner
    ) -> None:
        self._scanner = scanner
        self._target = target
        self._unchanged = unchanged
        self._run = run
        self._finished = False
        self._offline = True
        self._version: str | None = None

    def ask(self) -> tuple[Finding | Gap, ...]:
        """Return what the scanner adds."""
        command = self._command()
        if command is None:
            program = self._scanner.adapter.program
            reason = f"{program} is not on PATH; install it, or name it in the policy"
            return (self._gap(Code.SCANNER_MISSING, reason),)
        before = self._unchanged()
        outcome = self._run(command)
        after = self._unchanged()
        self._offline = outcome.offline
        items = self._read(outcome)
        changed = before or after
        if changed is not None:
            self._finished = False
            return (*items, self._gap(Code.FILE_CHANGED, changed))
        return items

    def summary(self, items: tuple[Finding | Gap, ...], *, own: frozenset[str]) -> Consulted:
        """Return that it was asked, and where it and this tool do not agree."""
        theirs = {item.path for item in items if isinstance(item, Finding)}
        return Consulted(
            scanner=self._scanner.name,
            version=self._version,
            finished=self._finished,
            findings=sum(isinstance(item, Finding) for item in items),
            alone=tuple(sorted(theirs - own)),
            silent=tuple(sorted(own - theirs)) if self._finished else (),
            offline=self._offline,
        )

    def _command(self) -> tuple[str, ...] | None:
        scanner = self._scanner
        if scanner.program:
            return (*scanner.program, *scanner.adapter.arguments())
        name = scanner.adapter.program
        found = None if name is None else find_program(name, away_from=self._target.root)
        return None if found is None else (str(found), *scanner.adapter.arguments())

    def _read(self, outcome: Outcome) -> tuple[Finding | Gap, ...]:
        if outcome.problem is not None:
            return (self._failure(outcome.problem, outcome),)
        try:
            answer = self._scanner.adapter.read(outcome, self._target)
        except WeighbridgeError as error:
            return (self._failure(error.message, outcome),)
        # The same boundary as for our own analyzers: an adapter reads hostile text, and any
        # failure of it is a gap, never the end of the scan.
        except Exception as error:  # noqa: BLE001  see above
            return (self._failure(f"what it said broke the adapter: {error!r}", outcome),)
        self._finished = True
        self._version = answer.version
        return self._bounded(answer)

    def _bounded(self, answer: Answer) -> tuple[Finding | Gap, ...]:
        findings = sorted(answer.findings, key=lambda f: -f.severity.rank)
        items: list[Finding | Gap] = [
            replace(finding, rule=f"{self._scanner.name}:{finding.rule}") for finding in findings
        ]
        items += [
            Gap(
                stage=Stage.SCAN,
                code=Code.SCANNER_INCOMPLETE,
                path=None if complaint.path == WHOLE else complaint.path,
                member=complaint.member,
                reason=f"{self._scanner.name}: {complaint.reason}",
            )
            for complaint in answer.complaints
        ]
        lost = len(items) - MAX_SCANNER_FINDINGS
        if lost > 0:
            reason = f"{lost} further findings and complaints are not listed"
            items[MAX_SCANNER_FINDINGS:] = [self._gap(Code.SCANNER_INCOMPLETE, reason)]
        return tuple(items)

    def _failure(self, reason: str, outcome: Outcome) -> Gap:
        """Return the gap for a run that gave nothing, with the end of what the scanner said."""
        lines = outcome.talk.decode("utf-8", errors="backslashreplace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        said = f"; it said: {one_line(last)}" if last else ""
        return self._gap(Code.SCANNER_FAILED, reason + said)

    def _gap(self, code: Code, reason: str) -> Gap:
        return Gap(
            stage=Stage.SCAN,
            code=code,
            path=None,
            reason=shorten(f"{self._scanner.name}: {reason}"),
        )


def _merged(
    evidence: tuple[Finding | Clean | Gap, ...], added: list[Finding | Gap], inventory: Inventory
) -> tuple[Finding | Clean | Gap, ...]:
    """Return both in the order of the inventory's paths; what has something added is not clean."""
    order = {entry.path: number for number, entry in enumerate(inventory.entries)}
    spoken = {item.path for item in added}
    kept: list[Finding | Clean | Gap] = [
        item for item in evidence if not (isinstance(item, Clean) and item.path in spoken)
    ]
    kept += added
    return tuple(sorted(kept, key=lambda item: order.get(item.path or "", len(order))))
