"""Tests of lists of claims as JSON and for people."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.documents import ROOT
from support.lineages import artifact_of, build_of
from support.policies import key_identity, sha256
from weighbridge.core.attestation import Resource, SignedFiles, Source, Summary
from weighbridge.core.claims import ClaimSigner, ClaimsList, ListedClaim
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Gap, Stage
from weighbridge.core.identity import SigningMethod
from weighbridge.record.json_claims import appended_document, claims_document
from weighbridge.record.json_v1 import render_json
from weighbridge.record.style import COLOUR
from weighbridge.record.text_claims import appended_text, claims_text

VECTORS = ROOT / "tests" / "vectors" / "record"
HOSTILE = "x\n\x1b[31my"


def gap_of(code: Code, line: int, reason: str) -> Gap:
    """Return the gap of a line."""
    place = f"model.claims.jsonl:{line}: {reason}"
    return Gap(stage=Stage.PROVENANCE, code=code, path="model.claims.jsonl", reason=place)


def listed(*, verified: bool = True) -> ClaimsList:
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
            place="model.claims.jsonl:6",
            sha256=sha256(5).hex,
            method=None,
            gap=gap_of(Code.CLAIM_MALFORMED, 6, f"no bundle: found {HOSTILE}"),
        ),
    )
    return ClaimsList(
        name="bert", place=Path("bert/model.claims.jsonl"), verified=verified, claims=claims
    )


def unreadable() -> ClaimsList:
    """Return the list of a file that cannot be read."""
    gap = Gap(
        stage=Stage.PROVENANCE,
        code=Code.LIMIT_EXCEEDED,
        path="model.claims.jsonl",
        reason="model.claims.jsonl: the file is too large",
    )
    place = Path("bert/model.claims.jsonl")
    return ClaimsList(name="bert", place=place, verified=True, claims=(), gaps=(gap,))


CASES = {
    "claims-verified": listed(),
    "claims-listed": listed(verified=False),
    "claims-unreadable": unreadable(),
}


@pytest.mark.parametrize("name", CASES)
def test_snapshot(name: str) -> None:
    """JSON and text are as they were last reviewed."""
    assert render_json(claims_document(CASES[name])) == (VECTORS / f"{name}.json").read_text()
    assert claims_text(CASES[name]) == (VECTORS / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", CASES)
def test_untrusted_text_cannot_act(name: str) -> None:
    """What a statement says is on its own line, and no control character of it is written."""
    text = claims_text(CASES[name], style=COLOUR)
    for sequence in (COLOUR.good, COLOUR.bad, COLOUR.unclear, COLOUR.strong, COLOUR.faint):
        text = text.replace(sequence, "")
    assert all(line.isprintable() for line in text.replace(COLOUR.reset, "").split("\n"))


def test_what_counts_for_nothing_is_counted() -> None:
    """Every gap of the file and of its lines is among what is broken."""
    assert [gap.code for gap in listed().broken] == [
        Code.CLAIM_UNTRUSTED,
        Code.CLAIM_UNKNOWN,
        Code.CLAIM_MALFORMED,
    ]
    assert len(unreadable().broken) == 1


def test_what_was_appended() -> None:
    """How many claims are new, and how many were there."""
    place = Path("m.claims.jsonl")
    assert appended_text(place, given=3, new=1) == (
        "appended 1 claim, 2 there already: m.claims.jsonl\n"
    )
    assert appended_text(place, given=2, new=2) == "appended 2 claims: m.claims.jsonl\n"
    assert appended_document(place, given=3, new=1) == {
        "schema": "weighbridge.appended-claims/v1",
        "path": "m.claims.jsonl",
        "given": 3,
        "new": 1,
    }
