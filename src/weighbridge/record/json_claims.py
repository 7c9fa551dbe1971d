"""The JSON documents about a model's claims, version 1: frozen as those of `json_v1`."""

from pathlib import Path
from typing import Final

from weighbridge.core.attestation import (
    Artifact,
    Build,
    Content,
    PartDigests,
    ResultOfTests,
    SignedFiles,
    Summary,
)
from weighbridge.core.claims import ClaimsList, ListedClaim
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Gap
from weighbridge.record.json_v1 import Document, JsonValue

CLAIMS: Final = "weighbridge.claims/v1"
APPENDED: Final = "weighbridge.appended-claims/v1"


def claims_document(listed: ClaimsList) -> Document:
    """Return the document of a list of claims."""
    return {
        "schema": CLAIMS,
        "name": listed.name,
        "path": str(listed.place),
        "verified": listed.verified,
        "claims": [_claim(claim) for claim in listed.claims],
        "gaps": [_gap(gap) for gap in listed.gaps],
    }


def appended_document(place: Path, *, given: int, new: int) -> Document:
    """Return the document of claims that were appended."""
    return {"schema": APPENDED, "path": str(place), "given": given, "new": new}


def kind_of(claim: ListedClaim) -> str:
    """Return one word for what a claim says."""
    match claim.content:
        case Build():
            return "build"
        case Summary():
            return "summary"
        case SignedFiles():
            return "signature"
        case ResultOfTests():
            return "test"
        case PartDigests():
            return "parts"
        case None:
            known = claim.gap is None or claim.gap.code != Code.CLAIM_UNKNOWN
            return "broken" if known else "unknown"


def _claim(claim: ListedClaim) -> Document:
    return {
        "place": claim.place,
        "sha256": claim.sha256,
        "method": None if claim.method is None else str(claim.method),
        "kind": kind_of(claim),
        "predicate_type": claim.predicate_type,
        "artifacts": [_artifact(artifact) for artifact in claim.artifacts],
        "files": len(claim.files),
        "own": claim.own,
        "says": _content(claim.content),
        "signers": [
            {"trust": signer.trust, "label": signer.identity.label} for signer in claim.signers
        ],
        "gap": None if claim.gap is None else _gap(claim.gap),
    }


def _artifact(artifact: Artifact) -> Document:
    return {
        "name": artifact.name,
        "uri": artifact.uri,
        "root": str(artifact.binding.root),
        "names": str(artifact.binding.names),
    }


def _content(content: Content | None) -> JsonValue:
    match content:
        case Build():
            return {
                "builder": content.builder_id,
                "build_type": content.build_type,
                "source": None if content.source is None else content.source.label,
                "parameters": [
                    {"name": name, "value": value} for name, value in content.parameters
                ],
                "inputs": [_artifact(each) for each in content.inputs],
                "invocation_id": content.invocation_id,
            }
        case Summary():
            return {
                "verifier": content.verifier_id,
                "passed": content.passed,
                "verified": None if content.verified is None else content.verified.isoformat(),
                "resource": content.resource_uri,
                "policy": content.policy_uri,
                "policy_sha256": content.policy_sha256,
                "levels": list(content.levels),
                "boundary": content.boundary,
            }
        case SignedFiles():
            return {"files": len(content.paths)}
        case ResultOfTests():
            return {
                "outcome": str(content.outcome),
                "failed": list(content.failed),
                "warned": list(content.warned),
            }
        case PartDigests():
            return {
                "files": len(content.files),
                "parts": sum(len(file.parts) for file in content.files),
            }
        case None:
            return None


def _gap(gap: Gap) -> Document:
    return {"code": str(gap.code), "reason": gap.reason}
