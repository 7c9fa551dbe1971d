"""Control `remote-code`: code that the model brings along, and references to such code."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest
from weighbridge.core.evidence import Severity
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission, in_member
from weighbridge.policy.reasons import denied, noted, undecided
from weighbridge.policy.rule import RemoteCode, Rule
from weighbridge.policy.rule_reader import REMOTE_CODE_PREFIX

CODE_FORMATS: Final = frozenset(
    {
        FileFormat.PYTHON_SOURCE,
        FileFormat.PYTHON_BYTECODE,
        FileFormat.SCRIPT,
        FileFormat.SHARED_OBJECT,
    }
)
"""Formats that are code, as opposed to data formats that can carry some."""


def check(submission: Submission) -> Iterator[Reason]:
    """
    Give a reason for every file of code and every finding about remote code.

    Under `pinned` the file concerned has to be listed by its digest; for a finding that is the
    file that refers to the code, since the reference may lead elsewhere when it changes.
    """
    digests = submission.file_digests()
    for entry in submission.entries:
        if entry.format in CODE_FORMATS:
            message = f"the model brings code along ({entry.format})"
            digest = digests[entry.path]
            yield _judge(submission.rule, Code.REMOTE_CODE, message, path=entry.path, digest=digest)
    for finding in submission.findings:
        if finding.rule.startswith(REMOTE_CODE_PREFIX):
            message = finding.message + in_member(finding)
            yield _judge(
                submission.rule,
                finding.rule,
                message,
                path=finding.path,
                digest=digests.get(finding.path),
                severity=finding.severity,
            )


def _judge(
    rule: Rule,
    code: str,
    message: str,
    *,
    path: str,
    digest: Digest | None,
    severity: Severity = Severity.HIGH,
) -> Reason:
    if rule.remote_code is RemoteCode.ALLOW:
        return noted(code, f"{message}; the rule allows remote code", path=path, severity=severity)
    if rule.remote_code is RemoteCode.DENY:
        return denied(code, f"{message}; the rule denies it", path=path, severity=severity)
    if digest is None:
        unknown = f"{message}; its SHA-256 is not known, so it cannot be compared with the pins"
        return undecided(code, unknown, path=path, severity=severity)
    if digest in rule.remote_code_digests:
        return noted(code, f"{message}; the rule pins it", path=path, severity=severity)
    return denied(code, f"{message}; not among the pins ({digest})", path=path, severity=severity)
