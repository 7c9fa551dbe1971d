"""Control `scan`: findings at or above the bar, gaps, and what the policy accepts for a while."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest
from weighbridge.core.evidence import Finding, Gap, Severity, Stage
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission, in_member
from weighbridge.policy.reasons import denied, noted, undecided
from weighbridge.policy.rule import Approval, OnGap, ScanControl, Suppression
from weighbridge.policy.rule_reader import REMOTE_CODE_PREFIX

UNKNOWN_NAME: Final = "pickle-unknown-global"
"""The only rule whose findings can be approved by file and names."""


def check(submission: Submission) -> Iterator[Reason]:
    """Give a reason for every finding and gap of the scan, also for those that do not block."""
    acceptance = _Acceptance(
        suppressions=submission.rule.scan.suppress,
        approvals=submission.rule.scan.approve,
        today=submission.now.astimezone(UTC).date(),
        digests=submission.file_digests(),
        unknown=_unknown_names(submission.findings),
    )
    for finding in submission.findings:
        if not finding.rule.startswith(REMOTE_CODE_PREFIX):
            yield from _judge_finding(finding, submission.rule.scan, acceptance)
    for gap in submission.gaps(Stage.SCAN):
        yield from _judge_gap(gap, submission.rule.scan, acceptance)
    if submission.receipt is None:
        yield from _judge_scanners(submission)


def _unknown_names(findings: tuple[Finding, ...]) -> Mapping[str, frozenset[str]]:
    """Return the unknown names of each file; they are the last line of their evidence."""
    names: dict[str, set[str]] = {}
    for finding in findings:
        if finding.rule == UNKNOWN_NAME:
            names.setdefault(finding.path, set()).update(finding.evidence[-1:] or ("",))
    return {path: frozenset(found) for path, found in names.items()}


@frozen
class _Acceptance:
    """What the policy accepts today."""

    suppressions: tuple[Suppression, ...]
    approvals: tuple[Approval, ...]
    today: date
    digests: Mapping[str, Digest | None]
    unknown: Mapping[str, frozenset[str]]

    def find(
        self, *, rule: str, path: str, member: str | None
    ) -> tuple[Suppression | None, tuple[Reason, ...]]:
        """Return the suppression that holds for *rule* there, or reasons for expired ones."""
        expired: list[Reason] = []
        for suppression in self.suppressions:
            if not self._concerns(suppression, rule=rule, path=path, member=member):
                continue
            if self.today <= suppression.expires:
                return suppression, ()
            message = (
                f"the suppression of {rule} expired on {suppression.expires} and is not applied"
            )
            expired.append(
                noted(Code.SUPPRESSION_EXPIRED, message, path=path, severity=Severity.MEDIUM)
            )
        return None, tuple(expired)

    def approve(self, path: str) -> tuple[Approval | None, tuple[Reason, ...]]:
        """
        Return the approval of the file's unknown names, or reasons for expired ones.

        It holds for these bytes only, and only if it names every unknown name in them: an
        approval of one name must not make another one pass.
        """
        digest, names = self.digests.get(path), self.unknown.get(path, frozenset())
        expired: list[Reason] = []
        for approval in self.approvals:
            if digest is None or approval.sha256 != digest or not names <= approval.globals:
                continue
            if self.today <= approval.expires:
                return approval, ()
            message = f"the approval of unknown names expired on {approval.expires}"
            expired.append(
                noted(Code.SUPPRESSION_EXPIRED, message, path=path, severity=Severity.MEDIUM)
            )
        return None, tuple(expired)

    def _concerns(
        self, suppression: Suppression, *, rule: str, path: str, member: str | None
    ) -> bool:
        if suppression.rule != rule or not suppression.path.matches(path):
            return False
        if suppression.member is not None and (
            member is None or not suppression.member.matches(member)
        ):
            return False
        return suppression.sha256 is None or self.digests.get(path) == suppression.sha256


def _judge_finding(
    finding: Finding, control: ScanControl, acceptance: _Acceptance
) -> Iterator[Reason]:
    message = _describe(finding)
    active, expired = acceptance.find(rule=finding.rule, path=finding.path, member=finding.member)
    if active is not None:
        yield _suppressed(active, finding.rule, message, path=finding.path)
        return
    yield from expired
    if finding.rule == UNKNOWN_NAME:
        approval, expired = acceptance.approve(finding.path)
        if approval is not None:
            accepted = f"{message}; approved until {approval.expires}: {approval.reason}"
            yield noted(finding.rule, accepted, path=finding.path)
            return
        yield from expired
    judge = denied if finding.severity.at_least(control.fail_on) else noted
    yield judge(finding.rule, message, path=finding.path, severity=finding.severity)


def _describe(finding: Finding) -> str:
    """Return what the file would do, where, and the call or line that says so."""
    message = finding.message.rstrip(".") + in_member(finding)
    return f"{message}: {finding.evidence[0]}" if finding.evidence else message


def _judge_gap(gap: Gap, control: ScanControl, acceptance: _Acceptance) -> Iterator[Reason]:
    """A gap is never let pass, but that a format is unsupported can be accepted by file."""
    message = f"not wholly scanned{in_member(gap)}: {gap.reason}"
    if gap.code is Code.SCAN_UNSUPPORTED and gap.path is not None:
        active, expired = acceptance.find(rule=gap.code, path=gap.path, member=gap.member)
        if active is not None:
            yield _suppressed(active, gap.code, message, path=gap.path)
            return
        yield from expired
    on_gap = denied if control.on_gap is OnGap.DENY else undecided
    yield on_gap(gap.code, message, path=gap.path, severity=Severity.HIGH)


def _judge_scanners(submission: Submission) -> Iterator[Reason]:
    """Demand an answer of each scanner that the rule asks, and show where one disagrees."""
    answers = {item.scanner: item for item in submission.consulted}
    for name in submission.rule.scan.also:
        answer = answers.get(name)
        if answer is None or not answer.finished:
            message = f"{name}, which the rule asks as well, gave no whole answer"
            yield undecided(Code.SCANNER_FAILED, message, severity=Severity.HIGH)
        elif answer.silent:
            message = (
                f"{name} found nothing in {len(answer.silent)} of the files with findings; "
                "that takes none of them away"
            )
            yield noted(Code.SCANNER_DISAGREES, message)


def _suppressed(suppression: Suppression, code: str, message: str, *, path: str) -> Reason:
    accepted = f"{message}; accepted until {suppression.expires}: {suppression.reason}"
    return noted(code, accepted, path=path)
