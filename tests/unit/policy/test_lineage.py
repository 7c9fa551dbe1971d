"""Lineage and receipts in a verdict: what they add to everything else that a rule asks for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from support.lineages import (
    LINEAGE,
    PROVENANCE,
    RECEIPT,
    SIGNED,
    UNSIGNED,
    artifact_of,
    attested,
    build_of,
    built,
    policy_of,
    receipt_for,
    signed,
)
from support.policies import DIGESTS, FILES, NOW, blocking_codes, finding_of, judge, signature_of
from weighbridge.core.attestation import Artifact, Attestation, Binding
from weighbridge.core.evidence import ClaimedBase, Evidence
from weighbridge.core.lineage import Standing
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.policy.controls.interface import Naming

assert DIGESTS.binding is not None
MODEL = Artifact(name="bert", binding=DIGESTS.binding)
BASE, DATA = artifact_of("base/bert"), artifact_of("data/texts")
POLICY = policy_of(
    ("models/**", UNSIGNED, PROVENANCE, LINEAGE),
    ("base/**", SIGNED),
    ("data/**", UNSIGNED),
)
GATED = policy_of(
    ("models/**", UNSIGNED, PROVENANCE, LINEAGE, f"receipt = {{ {RECEIPT} }}"),
    ("base/**", SIGNED),
)
CLAIMS = (built(MODEL, BASE, DATA), signed(BASE))
GOOD = receipt_for(MODEL)


def codes(verdict: Verdict) -> set[str]:
    """Return the codes of all reasons."""
    return {reason.code for reason in verdict.reasons}


def test_holds() -> None:
    """A model whose inputs meet their rules is allowed, and the verdict has its lineage."""
    verdict = judge(POLICY, *CLAIMS)
    assert verdict.decision is Decision.ALLOW
    assert verdict.lineage is not None
    assert [node.artifact.name for node in verdict.lineage.nodes] == [
        "bert",
        "base/bert",
        "data/texts",
    ]
    assert verdict.lineage.parents == {BASE.binding, DATA.binding}


@pytest.mark.parametrize("kept", [CLAIMS[:1], CLAIMS[1:], ()], ids=["build", "signature", "none"])
def test_broken(kept: tuple[Attestation, ...]) -> None:
    """Without one of the claims it is denied."""
    verdict = judge(POLICY, *kept)
    assert verdict.decision is Decision.DENY
    assert any(code.startswith("lineage-") for code in blocking_codes(verdict))
    assert verdict.lineage is not None
    assert verdict.lineage.first.standing is Standing.BROKEN


def test_not_asked_for() -> None:
    """A rule without lineage has none in its verdict."""
    verdict = judge(policy_of(("**", UNSIGNED, PROVENANCE)), *CLAIMS)
    assert verdict.decision is Decision.ALLOW
    assert verdict.lineage is None


def test_digests_not_known() -> None:
    """Where claims cannot name the model, nobody can tell."""
    verdict = judge(POLICY, *CLAIMS, bindings=())
    assert verdict.decision is Decision.INDETERMINATE
    assert verdict.lineage is None


def test_named_by_some_of_its_files() -> None:
    """A model that claims name in two ways is made from itself by neither of them."""
    part = artifact_of("part of it")
    ways = (
        Naming(binding=part.binding, paths=frozenset(list(FILES)[:1])),
        Naming(binding=MODEL.binding, paths=frozenset(FILES)),
    )
    verdict = judge(POLICY, *CLAIMS, bindings=ways)
    assert verdict.decision is Decision.ALLOW
    assert verdict.lineage is not None
    assert verdict.lineage.first.artifact.binding == MODEL.binding
    twice = replace(CLAIMS[0], sha256="cd" * 32)
    other = attested(Artifact(name="bert", binding=part.binding), build_of(BASE), trust="runner")
    assert judge(POLICY, *CLAIMS, twice, other, bindings=ways).decision is Decision.ALLOW
    itself = (built(MODEL, Artifact(name="data/x", binding=part.binding)), signed(BASE))
    assert "lineage-cycle" in blocking_codes(judge(POLICY, *itself, bindings=ways))


def test_same_content_under_other_names() -> None:
    """A build of an input whose names digest is another one is told apart, and denied."""
    tuned = artifact_of("models/tuned")
    other = Artifact(
        name="models/tuned",
        binding=Binding(root=tuned.binding.root, names=BASE.binding.names),
    )
    claims = (built(MODEL, tuned), built(other, BASE), signed(BASE))
    verdict = judge(POLICY, *claims)
    assert "provenance-unbound" in blocking_codes(verdict)
    assert judge(POLICY, *claims, built(tuned, BASE)).decision is Decision.ALLOW


class TestAdapters:
    """What an adapter calls its base has to be among the inputs of its build."""

    def test_named_base(self) -> None:
        """The name of an input is the base's; another name is denied."""
        good = ClaimedBase(path="adapter_config.json", name="base/bert")
        assert judge(POLICY, *CLAIMS, good).decision is Decision.ALLOW
        bad = ClaimedBase(path="adapter_config.json", name="base/other")
        assert blocking_codes(judge(POLICY, *CLAIMS, bad)) == ["lineage-base"]
        assert blocking_codes(judge(POLICY, *CLAIMS, good, bad)) == ["lineage-base"]

    def test_nameless_base(self) -> None:
        """An adapter whose base nobody knows leaves nobody able to tell."""
        base = ClaimedBase(path="adapter_config.json", name=None, problem="it has no name")
        verdict = judge(POLICY, *CLAIMS, base)
        assert verdict.decision is Decision.INDETERMINATE
        (reason,) = [reason for reason in verdict.reasons if reason.blocking]
        assert (reason.code, reason.path) == ("lineage-base", "adapter_config.json")

    def test_not_asked_for(self) -> None:
        """Without lineage in the rule nothing is said of bases."""
        base = ClaimedBase(path="adapter_config.json", name="base/other")
        assert judge(policy_of(("**", UNSIGNED)), base).decision is Decision.ALLOW


class TestReceipts:
    """A receipt stands for the scan and the lineage, and for nothing else."""

    BUILD = built(MODEL, BASE)

    def test_stands_for_both(self) -> None:
        """With one neither a scan nor the inputs' claims have to be there."""
        verdict = judge(GATED, self.BUILD, GOOD, scanned=False)
        assert verdict.decision is Decision.ALLOW
        assert "receipt-accepted" in codes(verdict)
        assert verdict.lineage is not None
        assert verdict.lineage.first.receipt == GOOD.place
        assert verdict.lineage.parents == {BASE.binding}
        (first, base) = verdict.lineage.nodes
        assert (first.generation, base.generation, base.artifact) == (0, 1, BASE)
        assert [step.inputs for step in first.steps] == [(1,)]

    @pytest.mark.parametrize(
        "receipt",
        [
            receipt_for(MODEL, passed=False),
            receipt_for(MODEL, verified=NOW - timedelta(days=31)),
            receipt_for(MODEL, trust="hsm"),
            receipt_for(BASE),
        ],
        ids=["failed", "old", "signer", "other"],
    )
    def test_another_one(self, receipt: Attestation) -> None:
        """One that does not count leaves everything to be asked for."""
        verdict = judge(GATED, self.BUILD, receipt, scanned=False)
        assert verdict.decision is Decision.DENY
        assert {"evidence-incomplete", "lineage-signer"} <= set(blocking_codes(verdict))
        assert judge(GATED, self.BUILD, signed(BASE), receipt).decision is Decision.ALLOW

    def test_provenance_is_asked_for(self) -> None:
        """The model's own build is held against the rule with a receipt as well."""
        assert judge(GATED, GOOD).decision is Decision.DENY

    def test_what_was_found_counts(self) -> None:
        """Where something was found all the same, the receipt does not take it away."""
        verdict = judge(GATED, self.BUILD, GOOD, finding_of())
        assert verdict.decision is Decision.DENY

    def test_signature_is_asked_for(self) -> None:
        """A signature that the rule demands is demanded with a receipt as well."""
        policy = policy_of(("**", SIGNED, f"receipt = {{ {RECEIPT} }}"))
        assert judge(policy, GOOD, scanned=False).decision is Decision.DENY
        assert judge(policy, GOOD, signature_of(), scanned=False).decision is Decision.ALLOW

    def test_every_file_has_to_be_in_it(self) -> None:
        """A receipt about some of the files is none about the others."""
        policy = policy_of(("**", UNSIGNED, f"receipt = {{ {RECEIPT} }}"))
        part = (Naming(binding=MODEL.binding, paths=frozenset(list(FILES)[:1])),)
        assert judge(policy, GOOD, scanned=False).decision is Decision.ALLOW
        verdict = judge(policy, GOOD, scanned=False, bindings=part)
        assert verdict.decision is Decision.INDETERMINATE
        (refused,) = [r.message for r in verdict.reasons if r.code == "receipt-refused"]
        assert refused.endswith("it is about 1 of the 2 files")

    @pytest.mark.parametrize(("evidence", "allowed"), [((GOOD,), True), ((), False)])
    def test_demanded(self, evidence: tuple[Evidence, ...], *, allowed: bool) -> None:
        """A demanded receipt that is missing is denied, though a scan found nothing."""
        policy = policy_of(("**", UNSIGNED, f"receipt = {{ {RECEIPT}, required = true }}"))
        verdict = judge(policy, *evidence)
        assert verdict.decision is (Decision.ALLOW if allowed else Decision.DENY)
        assert blocking_codes(verdict) == ([] if allowed else ["receipt-missing"])


def test_build_of_another_builder() -> None:
    """A build that does not count for the provenance says nothing about the lineage."""
    stranger = attested(MODEL, build_of(BASE, builder="https://x.example"), trust="runner")
    verdict = judge(POLICY, stranger, signed(BASE))
    assert {"provenance-missing", "lineage-missing"} <= set(blocking_codes(verdict))
