"""The control `scan`: findings, gaps, suppressions, and other scanners."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from support.policies import (
    NOW,
    SIGNED,
    blocking_codes,
    finding_of,
    gap_of,
    judge,
    policy_of,
    sha256,
    signature_of,
)
from weighbridge.core.codes import Code
from weighbridge.core.evidence import (
    Consulted,
    Finding,
    Severity,
)
from weighbridge.core.verdict import Decision, Reason
from weighbridge.policy.schema import Policy

ALLOW, DENY, INDETERMINATE = Decision.ALLOW, Decision.DENY, Decision.INDETERMINATE


class TestScan:
    """Findings, gaps and suppressions."""

    @pytest.mark.parametrize("bar", list(Severity))
    @pytest.mark.parametrize("severity", list(Severity))
    def test_bar(self, bar: Severity, severity: Severity) -> None:
        """A finding at the bar or above denies with its rule's id; below it is reported."""
        policy = policy_of(SIGNED, f'scan = {{ fail-on = "{bar}" }}')
        verdict = judge(policy, signature_of(), finding_of(severity=severity, member="data.pkl"))
        reaches = list(Severity).index(severity) >= list(Severity).index(bar)
        assert verdict.decision is (DENY if reaches else ALLOW)
        (reason,) = [r for r in verdict.reasons if r.code == "pickle-dangerous-global"]
        assert reason == Reason(
            code="pickle-dangerous-global",
            severity=severity,
            path="config.json",
            message="would call os.system (in data.pkl)",
            decision=DENY if reaches else ALLOW,
        )

    @pytest.mark.parametrize(
        ("on_gap", "decision"), [("deny", DENY), ("indeterminate", INDETERMINATE)]
    )
    @pytest.mark.parametrize(
        "code",
        [
            Code.SCAN_UNSUPPORTED,
            Code.SCAN_MALFORMED,
            Code.SCAN_LIMIT,
            Code.SCAN_TIMEOUT,
            Code.SCAN_CRASHED,
        ],
    )
    @pytest.mark.parametrize("path", ["config.json", None])
    def test_gap(self, on_gap: str, decision: Decision, code: Code, path: str | None) -> None:
        """No gap passes, whatever its kind and whether or not it is about one file."""
        policy = policy_of(SIGNED, f'scan = {{ on-gap = "{on_gap}" }}')
        verdict = judge(policy, signature_of(), gap_of(code, path=path, member="m"))
        assert verdict.decision is decision
        assert blocking_codes(verdict) == [code]
        assert verdict.reasons[0].message == "not wholly scanned (in m): it could not be examined"

    @staticmethod
    def suppressing(
        *, rule: str = "pickle-dangerous-global", path: str = "config.*", extra: str = ""
    ) -> Policy:
        """Return a policy that accepts *rule* in *path* through 17 May 2031."""
        return policy_of(
            SIGNED,
            f'scan = {{ suppress = [{{ rule = "{rule}", path = "{path}", reason = "looked at", '
            f"expires = 2031-05-17{extra} }}] }}",
        )

    @pytest.mark.parametrize(
        ("rule", "path", "extra", "decision"),
        [
            ("pickle-dangerous-global", "config.*", "", ALLOW),
            ("pickle-dangerous-global", "config.json", f', sha256 = "{sha256(1).hex}"', ALLOW),
            ("pickle-dangerous-global", "config.json", f', sha256 = "{sha256(2).hex}"', DENY),
            ("pickle-dangerous-global", "other.*", "", DENY),
            ("pickle-dangerous", "config.*", "", DENY),
        ],
    )
    def test_suppression(self, rule: str, path: str, extra: str, decision: Decision) -> None:
        """A suppression holds for its rule in its files, and for these bytes where it says so."""
        policy = self.suppressing(rule=rule, path=path, extra=extra)
        verdict = judge(policy, signature_of(), finding_of())
        assert verdict.decision is decision
        if decision is ALLOW:
            (reason,) = [r for r in verdict.reasons if r.code == rule]
            assert reason.message == "would call os.system; accepted until 2031-05-17: looked at"

    @staticmethod
    def approving(*names: str, sha: str = sha256(1).hex) -> Policy:
        """Return a policy that approves *names* in a file through 17 May 2031."""
        listed = ", ".join(f'"{name}"' for name in names)
        return policy_of(
            SIGNED,
            f'scan = {{ approve = [{{ sha256 = "{sha}", globals = [{listed}], '
            'reason = "ours", expires = 2031-05-17 }] }',
        )

    @staticmethod
    def unknown(name: str) -> Finding:
        """Return what the scanner says of an unknown name in the file."""
        finding = finding_of(rule="pickle-unknown-global", severity=Severity.HIGH)
        return replace(finding, evidence=(f"{name}()", name))

    @pytest.mark.parametrize(
        ("names", "sha", "decision"),
        [
            (("acme.Net", "acme.Head"), sha256(1).hex, ALLOW),
            (("acme.Net", "acme.Head", "acme.Tail"), sha256(1).hex, ALLOW),
            (("acme.Net",), sha256(1).hex, DENY),
            (("acme.Net", "acme.head"), sha256(1).hex, DENY),
            (("acme.Net", "acme.Head"), sha256(2).hex, DENY),
        ],
        ids=["all", "more", "one-lacks", "another", "other-bytes"],
    )
    def test_approval(self, names: tuple[str, ...], sha: str, decision: Decision) -> None:
        """Unknown names pass in the approved bytes, and only if each of them is approved."""
        found = (self.unknown("acme.Net"), self.unknown("acme.Head"))
        verdict = judge(self.approving(*names, sha=sha), signature_of(), *found)
        assert verdict.decision is decision
        reasons = [r for r in verdict.reasons if r.code == "pickle-unknown-global"]
        assert all("approved until 2031-05-17: ours" in r.message for r in reasons) is (
            decision is ALLOW
        )

    @pytest.mark.parametrize("rule", ["pickle-dangerous-global", "pickle-argument"])
    def test_an_approval_is_for_unknown_names_only(self, rule: str) -> None:
        """A finding of another rule about an approved name denies as before."""
        finding = replace(self.unknown("acme.Net"), rule=rule)
        verdict = judge(self.approving("acme.Net"), signature_of(), finding)
        assert verdict.decision is DENY

    def test_an_approval_needs_evidence(self) -> None:
        """A finding that does not name what is unknown cannot be approved."""
        finding = replace(self.unknown("acme.Net"), evidence=())
        verdict = judge(self.approving("acme.Net"), signature_of(), finding)
        assert verdict.decision is DENY

    def test_an_approval_expires(self) -> None:
        """After its last day an approval is not applied, and the verdict says so."""
        late = datetime(2031, 5, 18, tzinfo=UTC)
        found = self.unknown("acme.Net")
        verdict = judge(self.approving("acme.Net"), signature_of(), found, now=late)
        assert verdict.decision is DENY
        assert "suppression-expired" in [r.code for r in verdict.reasons]

    @pytest.mark.parametrize(
        ("now", "decision"),
        [
            (datetime(2031, 5, 17, 23, 59, 59, tzinfo=UTC), ALLOW),
            (datetime(2031, 5, 18, tzinfo=UTC), DENY),
            (datetime(2031, 5, 18, 1, tzinfo=timezone(timedelta(hours=2))), ALLOW),
            (datetime(2031, 5, 17, 23, tzinfo=timezone(timedelta(hours=-2))), DENY),
        ],
    )
    def test_suppression_expires(self, now: datetime, decision: Decision) -> None:
        """A suppression holds through its last day in UTC; afterwards the verdict says so."""
        verdict = judge(self.suppressing(), signature_of(), finding_of(), now=now)
        assert verdict.decision is decision
        codes = [r.code for r in verdict.reasons]
        assert ("suppression-expired" in codes) is (decision is DENY)

    def test_a_reason_says_what_the_file_would_do(self) -> None:
        """The reason has the place and the call, so that the verdict alone tells the story."""
        finding = replace(
            finding_of(member="data.pkl"),
            message="Unpickling calls os.system.",
            evidence=("os.system('id')", "os.system"),
        )
        (reason, *_) = judge(policy_of(SIGNED), signature_of(), finding).reasons
        assert reason.message == "Unpickling calls os.system (in data.pkl): os.system('id')"

    @pytest.mark.parametrize(
        ("pattern", "member", "decision"),
        [
            ("a/*", "a/data.pkl", ALLOW),
            ("a/*", "b/data.pkl", DENY),
            ("a/*", None, DENY),
            ("*", "a/data.pkl", DENY),
        ],
    )
    def test_suppression_of_members(
        self, pattern: str, member: str | None, decision: Decision
    ) -> None:
        """A suppression with a member holds for such members, and not for the file itself."""
        policy = self.suppressing(extra=f', member = "{pattern}"')
        verdict = judge(policy, signature_of(), finding_of(member=member))
        assert verdict.decision is decision

    def test_expired_suppression_hides_no_other(self) -> None:
        """Of two suppressions the one that still holds is applied."""
        entries = ", ".join(
            f'{{ rule = "x", path = "config.json", reason = "r", expires = {day} }}'
            for day in ("2030-01-01", "2032-01-01")
        )
        policy = policy_of(SIGNED, f"scan = {{ suppress = [{entries}] }}")
        verdict = judge(policy, signature_of(), finding_of(rule="x"))
        assert verdict.decision is ALLOW
        assert "suppression-expired" not in [r.code for r in verdict.reasons]

    @pytest.mark.parametrize(
        ("code", "path", "decision"),
        [
            (Code.SCAN_UNSUPPORTED, "config.json", ALLOW),
            (Code.SCAN_UNSUPPORTED, "model.safetensors", DENY),
            (Code.SCAN_UNSUPPORTED, None, DENY),
            (Code.SCAN_TIMEOUT, "config.json", DENY),
        ],
    )
    def test_suppressed_gap(self, code: Code, path: str | None, decision: Decision) -> None:
        """That a format is unsupported can be accepted for a file; no other gap can."""
        policy = self.suppressing(rule="scan-unsupported")
        verdict = judge(policy, signature_of(), gap_of(code, path=path))
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.code == code]
        assert ("accepted until 2031-05-17: looked at" in reason.message) is (decision is ALLOW)

    def test_no_other_gap_can_be_suppressed(self) -> None:
        """Even a suppression that no policy file can express does not lift a crash."""
        policy = self.suppressing(rule="scan-unsupported")
        (rule,) = policy.rules
        (suppression,) = rule.scan.suppress
        crash = replace(suppression, rule="scan-crashed")
        forged = replace(policy, rules=(replace(rule, scan=replace(rule.scan, suppress=(crash,))),))
        assert judge(policy, signature_of(), gap_of(Code.SCAN_UNSUPPORTED)).decision is ALLOW
        assert judge(forged, signature_of(), gap_of(Code.SCAN_CRASHED)).decision is DENY

    def test_expired_gap_suppression(self) -> None:
        """An expired acceptance of an unsupported format is reported with the gap."""
        verdict = judge(
            self.suppressing(rule="scan-unsupported"),
            signature_of(),
            gap_of(Code.SCAN_UNSUPPORTED),
            now=NOW + timedelta(days=1),
        )
        assert blocking_codes(verdict) == ["scan-unsupported"]
        assert "suppression-expired" in [r.code for r in verdict.reasons]


class TestOtherScanners:
    """Scanners that the rule asks as well."""

    POLICY = policy_of(SIGNED, 'scan = { also = ["picklescan"], on-gap = "indeterminate" }')

    @pytest.mark.parametrize(
        ("evidence", "decision"),
        [
            ((Consulted(scanner="picklescan", finished=True),), ALLOW),
            ((Consulted(scanner="picklescan", finished=False),), INDETERMINATE),
            ((Consulted(scanner="modelscan", finished=True),), INDETERMINATE),
            ((), INDETERMINATE),
        ],
    )
    def test_an_answer_is_demanded(
        self, evidence: tuple[Consulted, ...], decision: Decision
    ) -> None:
        """Without a whole answer of each scanner that the rule asks nobody can tell."""
        assert judge(self.POLICY, signature_of(), *evidence).decision is decision

    def test_nobody_else_is_asked(self) -> None:
        """A rule that asks no other scanner needs no answer."""
        assert judge(policy_of(SIGNED), signature_of()).decision is ALLOW

    def test_its_findings_deny(self) -> None:
        """A finding under another scanner's name denies like one of our own."""
        finding = finding_of(rule="picklescan:dangerous-import")
        answer = Consulted(scanner="picklescan", finished=True, findings=1)
        verdict = judge(self.POLICY, signature_of(), answer, finding)
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["picklescan:dangerous-import"]

    def test_its_silence_takes_nothing_away(self) -> None:
        """That another scanner finds nothing is noted, and the finding denies all the same."""
        answer = Consulted(scanner="picklescan", finished=True, silent=("config.json",))
        verdict = judge(self.POLICY, signature_of(), answer, finding_of())
        assert verdict.decision is DENY
        assert "scanner-disagrees" in [reason.code for reason in verdict.reasons]
        assert "scanner-disagrees" not in blocking_codes(verdict)
