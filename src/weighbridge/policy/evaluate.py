"""The decision: pure, total, and deny beats indeterminate beats allow."""

from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Final

from weighbridge.core.artifact import ArtifactDigests, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import Evidence, ProvenanceEvidence, Uncovered
from weighbridge.core.verdict import PolicyReference, Reason, Verdict
from weighbridge.policy.controls import (
    completeness,
    formats,
    isolation,
    lineage,
    links,
    provenance,
    receipt,
    remote_code,
    scan,
    signature,
    suffixes,
)
from weighbridge.policy.controls.interface import Control, Naming, Submission
from weighbridge.policy.controls.lineage import LineageAssessment
from weighbridge.policy.controls.provenance import ProvenanceAssessment
from weighbridge.policy.controls.signature import SignatureAssessment
from weighbridge.policy.reasons import allowed, arrange, decide, denied, undecided
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import RuleSelection

CONTROLS: Final[tuple[Control, ...]] = (
    completeness.check,
    links.check,
    suffixes.check,
    formats.check,
    remote_code.check,
    scan.check,
    isolation.check,
)
"""Every control but those of signature, provenance and lineage, which tell more than reasons."""

NO_RULE: Final = "no rule of the policy matches, so no signature was asked for"


def evaluate(
    policy: Policy,
    *,
    selection: RuleSelection,
    inventory: Inventory | None,
    evidence: tuple[Evidence, ...],
    digests: ArtifactDigests | None,
    now: datetime,
    bindings: tuple[Naming, ...] = (),
    isolated: bool = False,
) -> Verdict:
    """
    Say what *policy* says of an artifact at the boundary of *selection*, and why.

    Guarantees: the order of the evidence has no effect. A further finding, gap or uncovered
    file never turns another decision into allow, and one signature fewer never does either.
    Every model file of the inventory is in exactly one of `covered` and `uncovered`. An allow
    names the artifact by its digests and has a reason with the code `allowed`.

    Args:
        policy: The policy.
        selection: The outcome of `select_rule` for this policy; a rule of another one counts
            as no match.
        inventory: The files; None when they could not be read, which never passes.
        evidence: What the stages say of these very files.
        digests: How the verdict names the artifact; without them it never passes.
        now: The clock of this run, with a time zone.
        bindings: How claims may name the artifact; without any, no claim is about it.
        isolated: Whether the caller enforces what the rule demands of isolation.

    Raises:
        UsageError: *now* has no time zone.
    """
    if now.tzinfo is None:
        raise UsageError("the time of a check needs a time zone", found=now.isoformat())
    rule, boundary = selection.rule, selection.boundary
    if rule is None or rule not in policy.rules or not rule.applies_at(boundary):
        names = " or ".join(selection.names) or "this reference, which has no usable name"
        message = f"no rule matches {names} at the boundary {boundary}"
        reasons: tuple[Reason, ...] = (denied(Code.POLICY_NO_MATCH, message),)
        assessment = _nothing_assessed(inventory)
        origin = ProvenanceAssessment()
        ancestry = LineageAssessment()
        rule = None
    else:
        submission = Submission(
            policy=policy,
            rule=rule,
            boundary=boundary,
            inventory=inventory,
            evidence=evidence,
            now=now,
            bindings=bindings,
            isolated=isolated,
        )
        search = receipt.search_receipt(submission)
        if search is not None:
            submission = replace(submission, receipt=search.accepted)
        assessment = signature.assess(submission)
        covered = assessment.covered if assessment.signers else ()
        origin = provenance.assess_submission(submission, covered=covered)
        ancestry = lineage.assess_submission(submission, origin)
        others = (*assessment.reasons, *origin.reasons, *ancestry.reasons)
        if search is not None and rule.receipt is not None:
            others += tuple(receipt.receipt_reasons(rule.receipt, search))
        reasons = _reasons(submission, others, named=digests is not None)
        if not any(reason.blocking for reason in reasons):
            reasons = (*reasons, _allowed(submission, assessment, origin))
    return Verdict(
        decision=decide(reasons),
        artifact=digests,
        policy=PolicyReference(
            path=policy.path, sha256=policy.sha256, rule=None if rule is None else _reference(rule)
        ),
        boundary=boundary,
        reasons=arrange(reasons),
        signers=assessment.signers,
        provenance=_provenance(evidence, origin),
        covered=assessment.covered,
        uncovered=assessment.uncovered,
        lineage=ancestry.lineage,
    )


def _reasons(
    submission: Submission, others: tuple[Reason, ...], *, named: bool
) -> tuple[Reason, ...]:
    controls = chain.from_iterable(control(submission) for control in CONTROLS)
    reasons = (*controls, *others)
    if not named:
        message = "the digests of the artifact are not known, so no verdict can name it"
        reasons = (*reasons, undecided(Code.EVIDENCE_INCOMPLETE, message))
    return reasons


def _allowed(
    submission: Submission, assessment: SignatureAssessment, origin: ProvenanceAssessment
) -> Reason:
    if submission.rule.signature.required:
        who = " and ".join(
            signature.describe_signer(submission, signer) for signer in assessment.signers
        )
        basis = f"signed by {who}"
    else:
        basis = "no signature required"
    if origin.evidence:
        basis += f"; built by {' and '.join(sorted({each.builder_id for each in origin.evidence}))}"
    return allowed(f"{submission.rule.label} allows it: {basis}")


def _reference(rule: Rule) -> str:
    patterns = ", ".join(glob.pattern for glob in rule.match)
    name = "" if rule.name is None else f" {rule.name}"
    return f"rule {rule.index + 1}{name}: {patterns}"


def _nothing_assessed(inventory: Inventory | None) -> SignatureAssessment:
    entries = () if inventory is None else inventory.model_entries
    return SignatureAssessment(
        reasons=(),
        signers=(),
        covered=(),
        uncovered=tuple(Uncovered(path=entry.path, reason=NO_RULE) for entry in entries),
    )


def _provenance(
    evidence: tuple[Evidence, ...], origin: ProvenanceAssessment
) -> tuple[ProvenanceEvidence, ...]:
    found = {item for item in evidence if isinstance(item, ProvenanceEvidence)}
    return tuple(sorted(found.union(origin.evidence), key=repr))
