"""The control `signature`: who has to sign, how many, and what they have to cover."""

import pytest

from support.policies import (
    FILES,
    SIGNED,
    UNSIGNED,
    blocking_codes,
    certificate_identity,
    entry_of,
    gap_of,
    inventory_of,
    judge,
    key_identity,
    policy_of,
    signature_of,
    sigstore_identity,
)
from weighbridge.core.artifact import EntryRole, FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import (
    Severity,
    SignatureEvidence,
    Stage,
    Uncovered,
)
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.core.signers import count_signers
from weighbridge.core.verdict import Decision
from weighbridge.policy.controls.signature import (
    GIT_METADATA,
    NOT_SIGNED,
)

GIT = 'signature = { any-of = ["hsm"], uncovered = "allow-git-metadata" }'
ALLOW, DENY, INDETERMINATE = Decision.ALLOW, Decision.DENY, Decision.INDETERMINATE
TWO = 'signature = { any-of = ["hsm", "spare", "corp", "loose"], threshold = 2 }'


class TestSignature:
    """Who has to have signed, and what."""

    @pytest.mark.parametrize(
        "signature",
        [
            signature_of(trust=None),
            signature_of(trust="spare"),
            signature_of(trust="nobody"),
            signature_of(identity=certificate_identity()),
        ],
        ids=["no trust", "another trust", "unknown trust", "other kind of identity"],
    )
    def test_untrusted_signer(self, signature: SignatureEvidence) -> None:
        """A signature that is not of a listed entry and its kind does not count."""
        verdict = judge(policy_of(SIGNED), signature)
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["signer-threshold"]
        assert verdict.signers == ()
        assert verdict.uncovered == tuple(Uncovered(path=p, reason=NOT_SIGNED) for p in FILES)
        assert verdict.reasons[0].message == (
            "0 of 1 trusted signer signed every file; accepted are hsm"
        )

    def test_certificate_signer(self) -> None:
        """A certificate counts for its entry, and an entry for any identity is shown as such."""
        policy = policy_of('signature = { any-of = ["corp", "loose"] }')
        named = signature_of(trust="corp", identity=certificate_identity())
        verdict = judge(policy, named)
        assert verdict.decision is ALLOW
        assert "signed by corp (certificate release@acme.example)" in verdict.reasons[0].message
        loose = signature_of(trust="loose", identity=certificate_identity())
        message = judge(policy, loose).reasons[0].message
        assert "any identity below its roots" in message
        assert judge(policy, signature_of(trust="corp")).decision is DENY

    @pytest.mark.parametrize(
        ("pairs", "count"),
        [
            ([], 0),
            ([("hsm", 1)], 1),
            ([("hsm", 1), ("hsm", 1)], 1),
            ([("hsm", 1), ("hsm", 2)], 1),
            ([("hsm", 1), ("spare", 1)], 1),
            ([("hsm", 1), ("spare", 2)], 2),
            ([("hsm", 1), ("spare", 1), ("hsm", 2)], 2),
            ([("a", 1), ("b", 1), ("c", 1), ("c", 2), ("c", 3)], 2),
            ([("a", 1), ("a", 2), ("b", 1), ("c", 2), ("c", 3)], 3),
        ],
    )
    def test_different_signers(self, pairs: list[tuple[str, int]], count: int) -> None:
        """Signers are as many as there are pairs with neither entry nor identity repeated."""
        assert count_signers((trust, key_identity(number)) for trust, number in pairs) == count

    def test_threshold(self) -> None:
        """Two signers are two keys of two entries, not one key under two names."""
        one = signature_of()
        same = signature_of(trust="spare")
        other = signature_of(trust="spare", identity=key_identity(2))
        policy = policy_of(TWO)
        assert judge(policy, one).decision is DENY
        assert judge(policy, one, same).decision is DENY
        verdict = judge(policy, one, other)
        assert verdict.decision is ALLOW
        assert " and spare (key" in verdict.reasons[0].message
        assert [s.trust for s in verdict.signers] == ["hsm", "spare"]
        short = judge(policy, one).reasons[0].message
        assert short == (
            "1 of 2 trusted signers signed every file; accepted are hsm, spare, corp, loose"
        )

    def test_uncovered_file(self) -> None:
        """A file outside the signature denies, is named, and is listed as uncovered."""
        verdict = judge(policy_of(SIGNED), signature_of(["config.json"]))
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["uncovered-file", "signer-threshold"]
        assert verdict.reasons[0].path == "model.safetensors"
        assert verdict.covered == ("config.json",)
        assert verdict.uncovered == (Uncovered(path="model.safetensors", reason=NOT_SIGNED),)
        assert verdict.signers == ()

    def test_partial_signature_beside_a_complete_one(self) -> None:
        """A second signature that covers less is reported and takes nothing away."""
        policy = policy_of('signature = { any-of = ["hsm", "spare"] }')
        partial = signature_of(["config.json"], trust="spare", identity=key_identity(2))
        verdict = judge(policy, signature_of(), partial)
        assert verdict.decision is ALLOW
        assert verdict.covered == tuple(FILES)
        assert [s.trust for s in verdict.signers] == ["hsm"]
        (reason,) = [r for r in verdict.reasons if r.code == "uncovered-file"]
        assert (reason.path, reason.severity) == ("model.safetensors", Severity.HIGH)
        both = policy_of('signature = { any-of = ["hsm", "spare"], threshold = 2 }')
        verdict = judge(both, signature_of(), partial)
        assert verdict.decision is DENY
        assert "uncovered-file" in blocking_codes(verdict)
        assert verdict.covered == tuple(FILES)

    def test_signature_of_a_file_that_is_not_there(self) -> None:
        """A signature that covers what the artifact does not have is not of this artifact."""
        verdict = judge(policy_of(SIGNED), signature_of([*FILES, "gone.bin"]))
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["file-missing", "signer-threshold"]
        assert verdict.reasons[0].path == "gone.bin"

    def test_signed_claims(self) -> None:
        """A signature may cover the claims file as well."""
        inventory = inventory_of(
            entry_of("model.claims.jsonl", FileFormat.JSON, role=EntryRole.CLAIMS), files=FILES
        )
        signed = signature_of([*FILES, "model.claims.jsonl"])
        verdict = judge(policy_of(SIGNED), signed, inventory=inventory)
        assert verdict.decision is ALLOW
        assert verdict.covered == tuple(FILES)

    @pytest.mark.parametrize(
        ("path", "kind", "line", "decision"),
        [
            (".gitattributes", FileFormat.TEXT, GIT, ALLOW),
            (".gitattributes", FileFormat.TEXT, SIGNED, DENY),
            (".github/workflows/x.yml", FileFormat.YAML, GIT, ALLOW),
            (".git/config", FileFormat.TEXT, GIT, ALLOW),
            (".gitmodules", FileFormat.TEXT, GIT, DENY),
            ("sub/.gitattributes", FileFormat.TEXT, GIT, DENY),
            (".gitattributes2", FileFormat.TEXT, GIT, DENY),
            (".git/hooks/x", FileFormat.SCRIPT, GIT, DENY),
            (".git/index", FileFormat.UNKNOWN, GIT, DENY),
            (".git/objects/x", FileFormat.ZLIB, GIT, DENY),
            (".gitignore", None, GIT, DENY),
        ],
    )
    def test_git_metadata(
        self, path: str, kind: FileFormat | None, line: str, decision: Decision
    ) -> None:
        """Top-level Git files without code may lie outside, when the rule says so."""
        inventory = inventory_of(entry_of(path, kind), files=FILES)
        open_formats = 'formats = { deny-executable = false }\nremote-code = "allow"'
        verdict = judge(policy_of(line, open_formats), signature_of(), inventory=inventory)
        assert verdict.decision is decision
        assert [u.path for u in verdict.uncovered] == [path]
        if decision is ALLOW:
            assert verdict.uncovered[0].reason == GIT_METADATA
            assert ("uncovered-file", path) in [(r.code, r.path) for r in verdict.reasons]
        else:
            assert "uncovered-file" in blocking_codes(verdict)

    @pytest.mark.parametrize(
        ("code", "decision"),
        [
            (Code.SIGNATURE_MISSING, DENY),
            (Code.SIGNATURE_INVALID, DENY),
            (Code.DIGEST_MISMATCH, DENY),
            (Code.KEY_MISMATCH, DENY),
            (Code.METHOD_UNAVAILABLE, DENY),
            (Code.FILE_CHANGED, DENY),
        ],
    )
    def test_gap_without_a_signer(self, code: Code, decision: Decision) -> None:
        """Without enough signers every gap of the stage is among the reasons."""
        verdict = judge(policy_of(SIGNED), gap_of(code, stage=Stage.SIGNATURE, path="model.sig"))
        assert verdict.decision is decision
        assert set(blocking_codes(verdict)) == {code, "signer-threshold"}
        grave = {Code.SIGNATURE_INVALID, Code.DIGEST_MISMATCH}
        worst = verdict.reasons[0].severity
        assert (worst is Severity.CRITICAL) is (code in grave)

    def test_gap_beside_a_signer(self) -> None:
        """Where enough have signed, that others have not is reported only; a new gap is no help."""
        gap = gap_of(Code.KEY_MISMATCH, stage=Stage.SIGNATURE)
        verdict = judge(policy_of(SIGNED), signature_of(), gap)
        assert verdict.decision is ALLOW
        (reason,) = [r for r in verdict.reasons if r.code == "key-mismatch"]
        assert reason.message == "another signature: it could not be examined"

    def test_gap_where_no_signature_is_required(self) -> None:
        """A broken signature that nobody asked for is reported."""
        gap = gap_of(Code.SIGNATURE_INVALID, stage=Stage.SIGNATURE)
        verdict = judge(policy_of(UNSIGNED), gap)
        assert verdict.decision is ALLOW
        assert "signature-invalid" in [r.code for r in verdict.reasons]


class TestKeyless:
    """Signers for whom an identity provider vouches."""

    ONLY = 'signature = { any-of = ["keyless"] }'

    def test_counts_for_its_entry(self) -> None:
        """A keyless identity counts for a keyless entry and for no other kind of entry."""
        signed = signature_of(trust="keyless", identity=sigstore_identity())
        assert judge(policy_of(self.ONLY), signed).decision is ALLOW
        for other in ("hsm", "spare"):
            policy = policy_of(f'signature = {{ any-of = ["{other}"] }}')
            verdict = judge(policy, signature_of(trust=other, identity=sigstore_identity()))
            assert verdict.decision is DENY
            assert verdict.signers == ()

    @pytest.mark.parametrize("identity", [certificate_identity(), key_identity()])
    def test_nothing_else_counts_for_it(self, identity: VerifiedIdentity) -> None:
        """A key or another authority's certificate does not count for a keyless entry."""
        verdict = judge(policy_of(self.ONLY), signature_of(trust="keyless", identity=identity))
        assert verdict.decision is DENY
        assert verdict.signers == ()

    def test_a_missing_keyless_signature_is_a_deny(self) -> None:
        """Without a signature by the keyless signer the artifact is denied."""
        gap = gap_of(Code.IDENTITY_MISMATCH, stage=Stage.SIGNATURE)
        assert judge(policy_of(self.ONLY), gap).decision is DENY

    def test_one_name_of_two_providers_is_one_signer(self) -> None:
        """The same name counts once, whoever vouches for it; two names are two signers."""
        line = 'signature = { any-of = ["keyless", "keyless-too"], threshold = 2 }'
        first = signature_of(trust="keyless", identity=sigstore_identity())
        again = signature_of(trust="keyless-too", identity=sigstore_identity())
        vouched = signature_of(
            trust="keyless-too", identity=sigstore_identity(issuer="https://other.example")
        )
        other = signature_of(trust="keyless-too", identity=sigstore_identity("bob@acme.example"))
        assert judge(policy_of(line), first, again).decision is DENY
        assert judge(policy_of(line), first, vouched).decision is DENY
        assert judge(policy_of(line), first, other).decision is ALLOW
