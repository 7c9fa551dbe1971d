"""Control `symlinks`: whether a file may be reached through a symbolic link."""

from collections.abc import Iterator

from weighbridge.core.codes import Code
from weighbridge.core.evidence import Severity
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission
from weighbridge.policy.reasons import denied
from weighbridge.policy.rule import Symlinks


def check(submission: Submission) -> Iterator[Reason]:
    """Give a reason for every linked file, unless the rule admits them."""
    if submission.rule.symlinks is Symlinks.FILES:
        return
    for entry in submission.entries:
        if entry.through_symlink:
            yield denied(
                Code.SYMLINK_REFUSED,
                'the file is a symbolic link; symlinks = "files" would admit it',
                path=entry.path,
                severity=Severity.MEDIUM,
            )
