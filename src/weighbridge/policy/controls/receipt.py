"""
Receipts: whose earlier verdict stands for another scan of the same bytes, and for their lineage.

A receipt counts if all of this holds:

1. It is about this very artifact, by both digests.
2. The trust entry that the rule names signed it.
3. It names the verifier that the rule names (SLSA v1.2, verifying VSAs: the verifier is trusted
   together with its key).
4. The verdict was to pass.
5. The pinned policy was applied.
6. That was not too long ago, and not in the future.
7. At the boundary, and about the name, that the rule asks for, where it does.

It is never counted against the artifact: another one may hold.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from weighbridge.core.attestation import Attestation, Binding, Summary
from weighbridge.core.codes import Code
from weighbridge.core.limits.signing import MAX_CLOCK_SKEW_SECONDS
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission
from weighbridge.policy.controls.signature import is_of_entry
from weighbridge.policy.reasons import denied, noted
from weighbridge.policy.rule import ReceiptControl
from weighbridge.policy.schema import Policy

_PROBLEM_CHARS: Final = 400
"""Of a problem, which repeats what the receipt says."""


@frozen
class ReceiptSearch:
    """
    What looking for a receipt came to.

    Attributes:
        accepted: The newest one that counts; None where none does.
        refused: Why each of the others does not count, with its place.
    """

    accepted: Attestation | None
    refused: tuple[str, ...] = ()


def search_receipt(submission: Submission) -> ReceiptSearch | None:
    """
    Look for a receipt about the artifact of *submission*; None where its rule has none to do with.

    A receipt has to be about every file that would be scanned: it may be about those only that
    a signature covers.
    """
    control = submission.rule.receipt
    if control is None:
        return None
    paths = frozenset(entry.path for entry in submission.model_entries)
    found = [
        find_receipt(
            submission.policy,
            control,
            binding=naming.binding,
            attestations=submission.attestations,
            now=submission.now,
        )
        for naming in submission.bindings
        if paths and paths <= naming.paths
    ]
    accepted = next((each.accepted for each in found if each.accepted is not None), None)
    refused = {problem for each in found for problem in each.refused}
    refused |= {
        f"{attestation.place}: it is about {len(naming.paths)} of the {len(paths)} files"
        for naming in submission.bindings
        if not paths <= naming.paths
        for attestation in submission.attestations
        if isinstance(attestation.content, Summary) and attestation.is_about(naming.binding)
    }
    return ReceiptSearch(accepted=accepted, refused=tuple(sorted(refused)))


def find_receipt(
    policy: Policy,
    control: ReceiptControl,
    *,
    binding: Binding,
    attestations: Iterable[Attestation],
    now: datetime,
) -> ReceiptSearch:
    """Look for a receipt about *binding* that meets *control*; the order has no effect."""
    accepted: list[tuple[datetime, str, Attestation]] = []
    refused: list[str] = []
    for attestation in attestations:
        summary = attestation.content
        if not isinstance(summary, Summary) or not attestation.is_about(binding):  # 1
            continue
        problem = _signer_problem(policy, control, attestation) or _problem(control, summary, now)
        if problem is not None:
            refused.append(f"{attestation.place}: {problem[:_PROBLEM_CHARS]}")
        elif summary.verified is not None:
            accepted.append((summary.verified, attestation.sha256, attestation))
    newest = max(accepted, key=lambda found: found[:2], default=None)
    return ReceiptSearch(
        accepted=None if newest is None else newest[2], refused=tuple(sorted(refused))
    )


def receipt_reasons(control: ReceiptControl, search: ReceiptSearch) -> Iterator[Reason]:
    """Say which receipt counts, or why none does; only a demanded one that is missing denies."""
    if search.accepted is not None:
        yield noted(Code.RECEIPT_ACCEPTED, _accepted(search.accepted))
        return
    for problem in search.refused:
        yield noted(Code.RECEIPT_REFUSED, f"a receipt does not count: {problem}")
    if control.required:
        yield denied(
            Code.RECEIPT_MISSING,
            f"no receipt counts; the rule demands one from {control.issuer}, by {control.verifier}",
        )


def _accepted(attestation: Attestation) -> str:
    summary = attestation.content
    if not isinstance(summary, Summary) or summary.verified is None:
        raise TypeError("a receipt is a verification summary with a time")
    return (
        f"the verdict of {attestation.trust} ({attestation.signer.label}) of "
        f"{summary.verified.isoformat()} stands for the scan and the lineage: {attestation.place}"
    )


def _signer_problem(
    policy: Policy, control: ReceiptControl, attestation: Attestation
) -> str | None:
    entry = policy.trust_entry(control.issuer)
    if attestation.trust == control.issuer and is_of_entry(entry, attestation.signer):  # 2
        return None
    return f"expected the signer {control.issuer}, found {attestation.trust}"


def _problem(control: ReceiptControl, summary: Summary, now: datetime) -> str | None:
    if summary.verifier_id != control.verifier:  # 3
        return f"expected the verifier {control.verifier}, found {summary.verifier_id}"
    if not summary.passed:  # 4
        return "the verdict was not to pass"
    if summary.policy_sha256 != control.policy.hex:  # 5
        return f"expected the policy {control.policy}, found {summary.policy_sha256 or 'none'}"
    return _age_problem(control, summary.verified, now) or _scope_problem(control, summary)


def _age_problem(control: ReceiptControl, verified: datetime | None, now: datetime) -> str | None:
    if verified is None or verified.tzinfo is None:  # 6
        return "it does not say when the verdict was reached"
    if verified > now + timedelta(seconds=MAX_CLOCK_SKEW_SECONDS):
        return f"the verdict is of the future: {verified.isoformat()}"
    if now - verified > timedelta(seconds=control.max_age):
        return f"the verdict is too old: {verified.isoformat()}"
    return None


def _scope_problem(control: ReceiptControl, summary: Summary) -> str | None:
    if control.boundary is not None and summary.boundary != control.boundary:  # 7
        return f"expected the boundary {control.boundary}, found {summary.boundary or 'none'}"
    if control.resource and not any(g.matches(summary.resource_uri) for g in control.resource):
        wanted = ", ".join(glob.pattern for glob in control.resource)
        return f"expected a verdict about {wanted}, found {summary.resource_uri}"
    return None
