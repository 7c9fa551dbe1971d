"""Lists of claims as a command would show them, without any file behind them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from support.lineages import artifact_of, build_of
from support.policies import key_identity, sha256
from weighbridge.core.attestation import (
    CutFile,
    Outcome,
    PartDigests,
    Resource,
    ResultOfTests,
    SignedFiles,
    Source,
    Summary,
)
from weighbridge.core.claims import ClaimSigner, ClaimsList, ListedClaim
from weighbridge.core.codes import Code
from weighbridge.core.digest import DigestPart
from weighbridge.core.evidence import Gap, Stage
from weighbridge.core.identity import SigningMethod

HOSTILE: Final = "x\n\x1b[31my"


def gap_of(code: Code, line: int, reason: str) -> Gap:
    """Return the gap of a line."""
    place = f"model.claims.jsonl:{line}: {reason}"
    return Gap(stage=Stage.PROVENANCE, code=code, path="model.claims.jsonl", reason=place)


def listed_claims(*, verified: bool = True) -> ClaimsList:
    """Return a list with a claim of each kind."""
    build = build_of(
        artifact_of("acme/base", uri="hf://acme/base@main"),
        parameters=(("command", '["python","train.py"]'),),
        source=Source(uri="git+https://git.example/acme/train", ref="refs/heads/main"),
        run="https://ci.example/runs/7",
    )
    summary = Summary(
        verifier_id="urn:weighbridge:verifier",
        verified=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        resource_uri="models/bert",
        policy_uri="weighbridge.toml",
        policy_sha256=sha256(7).hex,
        passed=False,
        levels=("SLSA_BUILD_LEVEL_2",),
        boundary="upload",
    )
    signers = (ClaimSigner(trust="runner", identity=key_identity(3)),) if verified else ()
    claims = (
        ListedClaim(
            place="model.claims.jsonl:1",
            sha256=sha256(1).hex,
            method=SigningMethod.KEY,
            predicate_type="https://slsa.dev/provenance/v1",
            content=build,
            artifacts=(artifact_of("bert"),),
            own=True,
            signers=signers,
        ),
        ListedClaim(
            place="model.claims.jsonl:2",
            sha256=sha256(2).hex,
            method=SigningMethod.SIGSTORE,
            predicate_type="https://slsa.dev/verification_summary/v1",
            content=summary,
            artifacts=(artifact_of(HOSTILE),),
            files=(Resource(name="a", digests=(("sha256", sha256(1).hex),)),),
            own=False,
            signers=signers,
        ),
        ListedClaim(
            place="model.claims.jsonl:3",
            sha256=sha256(3).hex,
            method=SigningMethod.KEY,
            predicate_type="https://model_signing/signature/v1.0",
            content=SignedFiles(paths=("a", "b")),
            artifacts=(artifact_of("acme/base"),),
            own=False,
            gap=gap_of(Code.CLAIM_UNTRUSTED, 3, "nobody who matters signed it; asked for were ci"),
        ),
        ListedClaim(
            place="model.claims.jsonl:4",
            sha256=sha256(4).hex,
            method=SigningMethod.KEY,
            gap=gap_of(Code.CLAIM_UNKNOWN, 4, "this kind of statement is not read here"),
        ),
        ListedClaim(
            place="model.claims.jsonl:5",
            sha256=sha256(6).hex,
            method=SigningMethod.KEY,
            predicate_type="https://in-toto.io/attestation/test-result/v0.1",
            content=ResultOfTests(
                outcome=Outcome.FAILED, failed=("pickle-argument",), warned=("chat-template",)
            ),
            artifacts=(artifact_of("bert"),),
            own=True,
            signers=signers,
        ),
        ListedClaim(
            place="model.claims.jsonl:6",
            sha256=sha256(5).hex,
            method=None,
            gap=gap_of(Code.CLAIM_MALFORMED, 6, f"no bundle: found {HOSTILE}"),
        ),
        ListedClaim(
            place="model.claims.jsonl:7",
            sha256=sha256(7).hex,
            method=SigningMethod.KEY,
            predicate_type="urn:weighbridge:predicate:parts:v1",
            content=PartDigests(files=(CutFile(path="a", parts=(DigestPart(0, 9, bytes(32)),)),)),
            artifacts=(artifact_of("bert"),),
            own=True,
            signers=signers,
        ),
    )
    return ClaimsList(
        name="bert", place=Path("bert/model.claims.jsonl"), verified=verified, claims=claims
    )


def unreadable_claims() -> ClaimsList:
    """Return the list of a file that cannot be read."""
    gap = Gap(
        stage=Stage.PROVENANCE,
        code=Code.LIMIT_EXCEEDED,
        path="model.claims.jsonl",
        reason="model.claims.jsonl: the file is too large",
    )
    place = Path("bert/model.claims.jsonl")
    return ClaimsList(name="bert", place=place, verified=True, claims=(), gaps=(gap,))
