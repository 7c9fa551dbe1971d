"""The decision of a policy about an artifact: which rule, what counts, and how reasons are put."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from support.policies import (
    DIGESTS,
    FILES,
    NOW,
    SIGNED,
    UNSIGNED,
    blocking_codes,
    clean,
    finding_of,
    gap_of,
    inventory_of,
    judge,
    key_identity,
    policy_of,
    sha256,
    signature_of,
)
from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import (
    ProvenanceEvidence,
    Severity,
    Stage,
    Uncovered,
)
from weighbridge.core.limits.policy import MAX_REASONS_PER_CODE
from weighbridge.core.verdict import Decision, Reason
from weighbridge.policy.controls.signature import (
    NO_SIGNATURE_REQUIRED,
)
from weighbridge.policy.evaluate import NO_RULE, evaluate
from weighbridge.policy.reasons import allowed, arrange, decide, denied, noted, undecided
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import select_rule

ALLOW, DENY, INDETERMINATE = Decision.ALLOW, Decision.DENY, Decision.INDETERMINATE


class TestOutcome:
    """What every verdict has."""

    def test_allow(self) -> None:
        """A signed, clean artifact is allowed, and the verdict says by which rule and signer."""
        verdict = judge(policy_of(SIGNED, 'name = "all"'), signature_of())
        assert verdict.decision is ALLOW
        label = f"key sha256:{sha256(1).hex}"
        assert verdict.reasons == (
            Reason(
                code="allowed",
                severity=None,
                path=None,
                message=f"rule 1 (all) allows it: signed by hsm ({label})",
                decision=ALLOW,
            ),
        )
        assert verdict.artifact == DIGESTS
        assert verdict.policy.path == "weighbridge.toml"
        assert verdict.policy.rule == "rule 1 all: **"
        assert verdict.boundary == "load"
        assert verdict.signers == (signature_of(),)
        assert (verdict.covered, verdict.uncovered) == (tuple(FILES), ())

    def test_allow_without_a_signature(self) -> None:
        """Where none is required every file is listed as uncovered."""
        verdict = judge(policy_of(UNSIGNED))
        assert verdict.decision is ALLOW
        assert verdict.reasons[0].message == "rule 1 (**) allows it: no signature required"
        assert verdict.policy.rule == "rule 1: **"
        assert verdict.signers == ()
        assert verdict.uncovered == tuple(
            Uncovered(path=path, reason=NO_SIGNATURE_REQUIRED) for path in FILES
        )

    def test_no_rule(self) -> None:
        """Without a matching rule the artifact is denied, whoever signed it."""
        policy = policy_of(SIGNED)
        inventory = inventory_of(files=FILES)
        for selected in (
            select_rule(policy, names=(), boundary="load"),
            select_rule(policy_of(UNSIGNED), names=("a",), boundary="load"),
        ):
            verdict = evaluate(
                policy,
                selection=selected,
                inventory=inventory,
                evidence=(*clean(*FILES), signature_of()),
                digests=DIGESTS,
                now=NOW,
            )
            assert verdict.decision is DENY
            assert blocking_codes(verdict) == ["policy-no-match"]
            assert verdict.policy.rule is None
            assert verdict.uncovered == tuple(Uncovered(path=p, reason=NO_RULE) for p in FILES)

    def test_no_rule_names_what_was_looked_for(self) -> None:
        """The reason why no rule decides has the names and the boundary."""
        text = 'version = 1\n[[rule]]\nmatch = ["x"]\nboundary = ["load"]\n' + UNSIGNED
        verdict = judge(Policy.from_toml(text.encode(), path=None))
        assert verdict.reasons[0].message == ("no rule matches models/bert at the boundary load")

    def test_no_rule_without_an_inventory(self) -> None:
        """The message names what was looked for, or says that there was no name."""
        policy = policy_of(SIGNED)
        verdict = evaluate(
            policy,
            selection=select_rule(policy, names=(), boundary="load"),
            inventory=None,
            evidence=(),
            digests=None,
            now=NOW,
        )
        assert (verdict.decision, verdict.uncovered) == (DENY, ())
        assert "which has no usable name at the boundary load" in verdict.reasons[0].message

    def test_naive_clock(self) -> None:
        """A time without a zone is the caller's mistake."""
        with pytest.raises(UsageError, match="time zone"):
            judge(policy_of(SIGNED), now=datetime(2031, 5, 17))  # noqa: DTZ001  the mistake

    def test_deny_beats_indeterminate(self) -> None:
        """One reason to deny decides, whatever else nobody can tell."""
        policy = policy_of(SIGNED, 'scan = { on-gap = "indeterminate" }')
        assert judge(policy, signature_of(), gap_of()).decision is INDETERMINATE
        assert judge(policy, signature_of(), gap_of(), finding_of()).decision is DENY

    def test_provenance_is_listed(self) -> None:
        """Provenance evidence is in the verdict once, in an order of its own."""
        made = [
            ProvenanceEvidence(
                signer=key_identity(), builder_id=name, predicate_type="p", subjects=(sha256(1),)
            )
            for name in ("b", "a", "b")
        ]
        verdict = judge(policy_of(SIGNED), signature_of(), *made)
        assert [item.builder_id for item in verdict.provenance] == ["a", "b"]


class TestUnsupported:
    """What this version cannot evaluate is never let pass."""

    @pytest.mark.parametrize(
        ("line", "boundary", "key"),
        [
            ("isolation = {}", "load", "isolation"),
            ("isolation = {}", "deploy", "isolation"),
            ("isolation = {}", "anything", "isolation"),
            ("isolation = {}", "upload", None),
            ("isolation = {}", "download", None),
            ("provenance = { required = false }", "load", None),
        ],
    )
    def test_demand(self, line: str, boundary: str, key: str | None) -> None:
        """A demand that cannot be evaluated makes the verdict indeterminate and is named."""
        verdict = judge(policy_of(SIGNED, line), signature_of(), boundary=boundary)
        assert verdict.decision is (INDETERMINATE if key else ALLOW)
        assert blocking_codes(verdict) == (["policy-unsupported"] if key else [])
        if key:
            assert f"'{key}'" in verdict.reasons[0].message

    @pytest.mark.parametrize(
        ("line", "decision"),
        [('provenance = { builder = ["runner"] }', DENY), ("", ALLOW)],
    )
    def test_provenance_gap(self, line: str, decision: Decision) -> None:
        """A gap in provenance blocks where provenance is demanded and is reported elsewhere."""
        gap = gap_of(Code.SIGNATURE_MISSING, stage=Stage.PROVENANCE)
        verdict = judge(policy_of(SIGNED, line), signature_of(), gap)
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.code == "signature-missing"]
        assert reason.blocking is (decision is DENY)


class TestReasons:
    """How reasons are ordered and counted."""

    def test_gravest_first(self) -> None:
        """Reasons to deny come first, then what nobody can tell, then the rest."""
        policy = policy_of(UNSIGNED, 'scan = { fail-on = "high", on-gap = "indeterminate" }')
        verdict = judge(
            policy,
            finding_of("config.json", rule="b", severity=Severity.LOW),
            gap_of(path="model.safetensors"),
            finding_of("config.json", rule="a", severity=Severity.HIGH),
            finding_of("config.json", rule="a", severity=Severity.CRITICAL),
        )
        assert [(r.code, r.severity) for r in verdict.reasons] == [
            ("a", Severity.CRITICAL),
            ("a", Severity.HIGH),
            ("scan-timeout", Severity.HIGH),
            ("b", Severity.LOW),
        ]

    def test_very_many(self) -> None:
        """Of very many reasons of one kind the first are named and the others counted."""
        reasons = [denied("x", "m", path=f"{i:05}") for i in range(MAX_REASONS_PER_CODE + 3)]
        arranged = arrange([*reversed(reasons), *reasons])
        assert arranged[:-1] == tuple(reasons[:MAX_REASONS_PER_CODE])
        assert arranged[-1] == denied("x", "and 3 more of this kind")
        assert arrange(reasons[:MAX_REASONS_PER_CODE]) == tuple(reasons[:MAX_REASONS_PER_CODE])

    def test_nothing_said_is_no_allow(self) -> None:
        """Without a reason that allows, nobody can tell."""
        assert decide(()) is INDETERMINATE
        assert decide((noted("anything", "m"),)) is INDETERMINATE
        assert decide((noted(Code.ALLOWED, "m"),)) is INDETERMINATE
        assert decide((allowed("m"),)) is ALLOW
        assert decide((allowed("m"), undecided("x", "m"))) is INDETERMINATE
        assert decide((allowed("m"), denied("x", "m"))) is DENY

    @pytest.mark.parametrize("make", [denied, undecided, noted])
    def test_only_allow_speaks_as_allowed(self, make: Callable[[str, str], Reason]) -> None:
        """Evidence that bears the code `allowed` gets another one."""
        assert make("allowed", "m").code == "evidence-incomplete"
        assert make("other", "m").code == "other"
        assert allowed("m").code == "allowed"

    def test_message_of_one_file_is_kept_apart(self) -> None:
        """Two files with the same reason are two reasons."""
        reason = denied("x", "m", path="a")
        assert len(arrange([reason, replace(reason, path="b"), reason])) == 2
