"""Control `provenance`: demanded, it cannot be met yet, so nobody can tell."""

from collections.abc import Iterator

from weighbridge.core.codes import Code
from weighbridge.core.evidence import Severity, Stage
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission, in_member
from weighbridge.policy.reasons import noted, undecided


def check(submission: Submission) -> Iterator[Reason]:
    """Give a reason when the rule demands provenance, and for every gap in it."""
    required = submission.rule.provenance.required
    if required:
        yield undecided(
            Code.POLICY_UNSUPPORTED,
            "the rule demands 'provenance.required', which this version cannot evaluate",
        )
    on_gap = undecided if required else noted
    for gap in submission.gaps(Stage.PROVENANCE):
        message = f"provenance{in_member(gap)}: {gap.reason}"
        yield on_gap(gap.code, message, path=gap.path, severity=Severity.LOW)
