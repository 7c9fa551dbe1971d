"""Controls that the schema knows and this version cannot evaluate: nobody can tell."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission
from weighbridge.policy.reasons import undecided

NO_EXECUTION: Final = frozenset({"download", "upload"})
"""Boundaries at which nothing runs, so that isolation is not a question there."""


def check(submission: Submission) -> Iterator[Reason]:
    """Give a reason for each demand that nothing here can meet."""
    if submission.rule.isolation is not None and submission.boundary not in NO_EXECUTION:
        yield _unsupported("isolation")


def _unsupported(key: str) -> Reason:
    return undecided(
        Code.POLICY_UNSUPPORTED, f"the rule demands '{key}', which this version cannot evaluate"
    )
