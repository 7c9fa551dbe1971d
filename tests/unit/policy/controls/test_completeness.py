"""The control that holds everything else: every file, by every stage that the rule asks."""

import pytest

from support.policies import (
    DIGESTS,
    FILES,
    NOW,
    SIGNED,
    UNSIGNED,
    blocking_codes,
    clean,
    entry_of,
    finding_of,
    gap_of,
    inventory_of,
    judge,
    policy_of,
    signature_of,
)
from weighbridge.core.artifact import EntryRole, FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import (
    Clean,
    Evidence,
    Severity,
    Stage,
)
from weighbridge.core.verdict import Decision
from weighbridge.policy.evaluate import evaluate
from weighbridge.policy.selection import select_rule

GIT = 'signature = { any-of = ["hsm"], uncovered = "allow-git-metadata" }'
ALLOW, DENY, INDETERMINATE = Decision.ALLOW, Decision.DENY, Decision.INDETERMINATE


class TestCompleteness:
    """Everything has to be accounted for."""

    def test_no_inventory(self) -> None:
        """Without an inventory nobody can tell."""
        policy = policy_of(UNSIGNED)
        verdict = evaluate(
            policy,
            selection=select_rule(policy, names=("a",), boundary="load"),
            inventory=None,
            evidence=(gap_of(Code.LIMIT_EXCEEDED, stage=Stage.INVENTORY, path=None),),
            digests=DIGESTS,
            now=NOW,
        )
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["limit-exceeded", "evidence-incomplete"]
        lenient = policy_of(UNSIGNED, 'scan = { on-gap = "indeterminate" }')
        assert (
            evaluate(
                lenient,
                selection=select_rule(lenient, names=("a",), boundary="load"),
                inventory=None,
                evidence=(),
                digests=DIGESTS,
                now=NOW,
            ).decision
            is INDETERMINATE
        )

    def test_no_model_file(self) -> None:
        """An artifact with nothing but a signature is denied."""
        empty = inventory_of(entry_of("model.sig", FileFormat.JSON, role=EntryRole.SIGNATURE))
        verdict = judge(policy_of(UNSIGNED), inventory=empty)
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["nothing-to-check"]

    @pytest.mark.parametrize(
        ("on_gap", "decision"), [("deny", DENY), ("indeterminate", INDETERMINATE)]
    )
    @pytest.mark.parametrize("place", ["inventory", "evidence"])
    def test_inventory_gap(self, on_gap: str, decision: Decision, place: str) -> None:
        """A file that could not be read stands in the way, wherever the gap is told."""
        gap = gap_of(Code.SYMLINK_REFUSED, stage=Stage.INVENTORY, path="link", member="m")
        inventory = inventory_of(files=FILES, gaps=(gap,) if place == "inventory" else ())
        policy = policy_of(SIGNED, f'scan = {{ on-gap = "{on_gap}" }}')
        verdict = judge(
            policy,
            signature_of(),
            *[gap for _ in range(place == "evidence")],
            inventory=inventory,
        )
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.blocking]
        assert (reason.code, reason.path) == ("symlink-refused", "link")
        assert reason.message == "could not be accounted for (in m): it could not be examined"

    @pytest.mark.parametrize(
        "words",
        [
            (),
            clean("config.json"),
            (*clean("config.json"), Clean(stage=Stage.SIGNATURE, path="model.safetensors")),
            (*clean("config.json", "model"), gap_of(path=None)),
        ],
    )
    def test_file_without_scan_evidence(self, words: tuple[Clean, ...]) -> None:
        """A model file of which the scanner says nothing is not a clean one."""
        verdict = judge(policy_of(SIGNED), signature_of(), *words, scanned=False)
        assert verdict.decision is not ALLOW
        missing = [r.path for r in verdict.reasons if r.code == "evidence-incomplete"]
        assert "model.safetensors" in missing

    def test_low_finding_is_scan_evidence(self) -> None:
        """A file with a finding below the bar has been scanned."""
        low = finding_of("model.safetensors", severity=Severity.LOW)
        words: tuple[Evidence, ...] = (*clean("config.json"), low)
        assert judge(policy_of(SIGNED), signature_of(), *words, scanned=False).decision is ALLOW

    def test_gap_is_scan_evidence(self) -> None:
        """A file with a gap is not also said to have no evidence; the gap is what stands there."""
        words: tuple[Evidence, ...] = (*clean("config.json"), gap_of(path="model.safetensors"))
        verdict = judge(policy_of(SIGNED), signature_of(), *words, scanned=False)
        assert blocking_codes(verdict) == ["scan-timeout"]

    def test_claims_need_no_scan(self) -> None:
        """Signature and claims files are not scanned, and need no scan evidence."""
        companions = (
            entry_of("model.sig", FileFormat.JSON, role=EntryRole.SIGNATURE),
            entry_of("model.claims.jsonl", FileFormat.TEXT, role=EntryRole.CLAIMS),
        )
        inventory = inventory_of(*companions, files=FILES)
        assert judge(policy_of(SIGNED), signature_of(), inventory=inventory).decision is ALLOW

    @pytest.mark.parametrize(
        ("line", "path", "decision"),
        [
            (SIGNED, "void", DENY),
            (SIGNED, ".git/refs", DENY),
            (UNSIGNED, "void", ALLOW),
            (GIT, "void", DENY),
            (GIT, ".git/refs", ALLOW),
            (GIT, "sub/.git", DENY),
        ],
    )
    def test_empty_directory(self, line: str, path: str, decision: Decision) -> None:
        """An empty directory is reported, and denied where a signature has to cover all."""
        inventory = inventory_of(files=FILES, empty_directories=(path,))
        verdict = judge(policy_of(line), signature_of(), inventory=inventory)
        assert verdict.decision is decision
        assert ("empty-directory", path) in [(r.code, r.path) for r in verdict.reasons]

    def test_empty_directory_is_a_defect(self) -> None:
        """A signature beside which there is an empty directory does not count."""
        inventory = inventory_of(files=FILES, empty_directories=("void",))
        verdict = judge(policy_of(SIGNED), signature_of(), inventory=inventory)
        assert blocking_codes(verdict) == ["empty-directory", "signer-threshold"]
        assert verdict.signers == ()

    def test_signature_without_an_inventory(self) -> None:
        """A signature of files that nobody could list covers none of them."""
        policy = policy_of(SIGNED)
        verdict = evaluate(
            policy,
            selection=select_rule(policy, names=("a",), boundary="load"),
            inventory=None,
            evidence=(signature_of(()),),
            digests=DIGESTS,
            now=NOW,
        )
        assert verdict.decision is INDETERMINATE
        assert (verdict.covered, verdict.uncovered) == ((), ())

    def test_artifact_without_digests(self) -> None:
        """An artifact that the verdict could not name is not allowed."""
        verdict = judge(policy_of(SIGNED), signature_of(), digests=None)
        assert verdict.decision is INDETERMINATE
        assert blocking_codes(verdict) == ["evidence-incomplete"]
