"""Control `isolation`: it can be demanded of whatever runs the model, and of nothing else."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission
from weighbridge.policy.reasons import undecided

NO_EXECUTION: Final = frozenset({"download", "upload"})
"""Boundaries at which nothing runs, so that isolation is not a question there."""


def check(submission: Submission) -> Iterator[Reason]:
    """Give a reason where the rule demands an isolation that nobody is going to enforce."""
    rule = submission.rule
    if rule.isolation is None or submission.isolated or submission.boundary in NO_EXECUTION:
        return
    yield undecided(
        Code.POLICY_UNSUPPORTED,
        "the rule demands 'isolation', which `weighbridge run` enforces and nothing here does",
    )
