"""
Receipts: write a verdict down as a statement that others can believe, if somebody signs it.

A receipt is a SLSA verification summary. It names the artifact by both digests, the policy by its
digest, the boundary, the decision, the level reached, the claims and signatures that the verdict
rests on, and this tool as the verifier. Whether anybody believes it is up to whoever reads it:
a rule believes a pair of signer and verifier.
"""

import importlib.metadata
import os
import urllib.parse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from weighbridge.core.attestation import VERIFIER_ID, Artifact, Resource, Summary
from weighbridge.core.errors import UsageError
from weighbridge.core.lineage import Standing
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.inventory.names import as_text
from weighbridge.pipeline.output import lies_in, write_whole
from weighbridge.provenance.summary import render_summary

if TYPE_CHECKING:
    from weighbridge.signing.interface import Signer

_COMPONENT: Final = "weighbridge"
_IN_MEMORY: Final = "urn:weighbridge:policy:in-memory"
_FAILED: Final = "FAILED"
_UNEVALUATED: Final = "SLSA_BUILD_LEVEL_UNEVALUATED"
_SAFE: Final = "/:@+~,=!$&'()*;"
"""Characters of a path that stand for themselves in a URI reference, besides the unreserved."""


@frozen
class Receipt:
    """
    A receipt that was written.

    Attributes:
        path: The file.
        signed: Whether it is a signed bundle; an unsigned statement is believed by nobody.
        passed: Whether the verdict was to allow.
    """

    path: Path
    signed: bool
    passed: bool


def require_place(place: Path, *, reference: str, policy: Path) -> None:
    """
    Refuse a place for a receipt that would take away what the receipt is about.

    To be called before the check: a file within the model would be one more that nobody signed.

    Raises:
        UsageError: The place is the policy, or lies in the model.
    """
    over_policy = os.path.realpath(place) == os.path.realpath(policy)
    if over_policy or lies_in(place, reference):
        raise UsageError(
            "a receipt cannot be written over the model or the policy, nor into the model",
            where=os.fspath(place),
            expected="a file outside the model",
            hint="Put it into the model's claims afterwards: weighbridge claims append",
        )


def write_receipt(
    verdict: Verdict,
    place: Path,
    *,
    reference: str,
    at: datetime,
    signer: "Signer | None",
) -> Receipt | None:
    """
    Write the receipt of *verdict* to *place*, which is replaced: a bundle, or a bare statement.

    Nothing is written, and None returned, where the artifact has no digests, as one that could
    not be read or that no rule matches: a receipt would be about nothing.

    Args:
        verdict: Of the check; a deny and an indeterminate verdict did not pass.
        place: Where to.
        reference: What the check was asked about.
        at: When the verdict was reached, with a time zone.
        signer: Who signs; None for a statement that nobody has to believe.

    Raises:
        OperationError: The file cannot be written, or signing failed.
    """
    statement = receipt_statement(verdict, reference=reference, at=at)
    if statement is None:
        return None
    data = statement if signer is None else signer.sign(statement)
    write_whole(place, data if data.endswith(b"\n") else data + b"\n")
    return Receipt(path=place, signed=signer is not None, passed=verdict.decision is Decision.ALLOW)


def receipt_statement(verdict: Verdict, *, reference: str, at: datetime) -> bytes | None:
    """Return the statement that a receipt is, bytes to sign; None without both digests."""
    binding = None if verdict.artifact is None else verdict.artifact.binding
    if verdict.artifact is None or binding is None:
        return None
    artifact = Artifact(name=as_text(verdict.artifact.name), binding=binding)
    return render_summary(summary_of(verdict, reference=reference, at=at), artifacts=[artifact])


def summary_of(verdict: Verdict, *, reference: str, at: datetime) -> Summary:
    """Return what a receipt says of *verdict*."""
    passed = verdict.decision is Decision.ALLOW
    return Summary(
        verifier_id=VERIFIER_ID,
        verifier_versions=((_COMPONENT, _version()),),
        verified=at,
        resource_uri=reference_uri(reference),
        policy_uri=_IN_MEMORY
        if verdict.policy.path is None
        else reference_uri(verdict.policy.path),
        policy_sha256=verdict.policy.sha256,
        passed=passed,
        levels=_levels(verdict) if passed else (_FAILED,),
        inputs=_inputs(verdict),
        boundary=verdict.boundary,
    )


def reference_uri(reference: str) -> str:
    """Return *reference* as a URI, or as a reference relative to wherever the check ran."""
    if "://" in reference:
        return reference
    # A path is bytes, which need not be text.
    return urllib.parse.quote(reference.encode(errors="surrogateescape"), safe=_SAFE)


def _levels(verdict: Verdict) -> tuple[str, ...]:
    """Return the level of the build track: one at most (verification summary, verifiedLevels)."""
    level = max((each.level for each in verdict.provenance), default=0)
    return (f"SLSA_BUILD_LEVEL_{level}" if level else _UNEVALUATED,)


def _inputs(verdict: Verdict) -> tuple[Resource, ...]:
    """Return the signatures and claims that the verdict rests on, by their digests."""
    found = {
        Resource(name=signer.signature_path, digests=(("sha256", signer.signature_sha256.hex),))
        for signer in verdict.signers
    }
    found |= {
        Resource(digests=(("sha256", each.claim),))
        for each in verdict.provenance
        if each.claim is not None
    }
    if verdict.lineage is not None:
        found |= {
            Resource(digests=(("sha256", step.sha256),))
            for node in verdict.lineage.nodes
            for step in node.steps
            if step.standing is Standing.HOLDS
        }
    return tuple(sorted(found, key=repr))


def _version() -> str:
    try:
        return importlib.metadata.version("weighbridge")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
