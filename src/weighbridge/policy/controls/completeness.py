"""
Evidence is total: every file was read, every model file was scanned, something is there.

Where a receipt counts, it stands for the scan.
"""

from collections.abc import Iterator

from weighbridge.core.codes import Code
from weighbridge.core.evidence import Severity, Stage
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission, in_member
from weighbridge.policy.reasons import denied, noted, undecided
from weighbridge.policy.rule import OnGap


def check(submission: Submission) -> Iterator[Reason]:
    """Give a reason for whatever was not accounted for."""
    if submission.inventory is None:
        yield undecided(Code.EVIDENCE_INCOMPLETE, "the files of the artifact are not known")
    elif not submission.model_entries:
        yield denied(Code.NOTHING_TO_CHECK, "the artifact has no model file; empty never passes")
    else:
        for path in submission.inventory.empty_directories:
            message = "an empty directory: no signature can cover it"
            yield noted(Code.EMPTY_DIRECTORY, message, path=path)
    yield from _inventory_gaps(submission)
    yield from _unscanned(submission)


def _inventory_gaps(submission: Submission) -> Iterator[Reason]:
    on_gap = denied if submission.rule.scan.on_gap is OnGap.DENY else undecided
    for gap in submission.gaps(Stage.INVENTORY):
        message = f"could not be accounted for{in_member(gap)}: {gap.reason}"
        yield on_gap(gap.code, message, path=gap.path, severity=Severity.HIGH)


def _unscanned(submission: Submission) -> Iterator[Reason]:
    if submission.receipt is not None:
        return
    scanned = submission.clean_paths(Stage.SCAN).union(
        (finding.path for finding in submission.findings),
        (gap.path for gap in submission.gaps(Stage.SCAN) if gap.path is not None),
    )
    for entry in submission.model_entries:
        if entry.path not in scanned:
            message = "no scan evidence: neither clean, nor a finding, nor a gap"
            yield undecided(
                Code.EVIDENCE_INCOMPLETE, message, path=entry.path, severity=Severity.HIGH
            )
