"""Control `suffix-lies`: whether a name may promise another format than the bytes have."""

from collections.abc import Iterator

from weighbridge.core.codes import Code
from weighbridge.core.evidence import Severity
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission
from weighbridge.policy.reasons import denied, noted
from weighbridge.policy.rule import SuffixLies


def check(submission: Submission) -> Iterator[Reason]:
    """Give a reason for every file whose suffix promises another format."""
    on_lie = denied if submission.rule.suffix_lies is SuffixLies.DENY else noted
    for entry in submission.entries:
        if entry.suffix_format is not None and entry.suffix_format is not entry.format:
            yield on_lie(
                Code.SUFFIX_LIES,
                f"the name promises {entry.suffix_format} and the content is {entry.format}; "
                'suffix-lies = "report" would admit it',
                path=entry.path,
                severity=Severity.MEDIUM,
            )
