"""
Control `signature`: enough different trusted signers, each of whose signatures covers all.

1. A signature counts for the rule when its trust entry is listed and the identity that was
   verified is of that entry's kind.
2. A counting signature is complete when it covers every model file, but for the Git metadata
   that the rule may tolerate, and nothing that the artifact does not have; and when there is no
   empty directory, which no signature of the format can cover.
3. The complete ones have to come from `threshold` different signers: as many different trust
   entries as different identities, so that one key under two names counts once.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from weighbridge.core.artifact import GIT_NAMES, FileEntry, carries
from weighbridge.core.codes import NOT_THIS_SIGNER, Code
from weighbridge.core.evidence import (
    Gap,
    Severity,
    SignatureEvidence,
    Stage,
    Uncovered,
)
from weighbridge.core.identity import (
    CertificateIdentity,
    KeyIdentity,
    SigstoreIdentity,
    VerifiedIdentity,
)
from weighbridge.core.signers import count_signers
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.formats import HARMLESS
from weighbridge.policy.controls.interface import Submission
from weighbridge.policy.reasons import denied, noted, undecided
from weighbridge.policy.rule import UncoveredFiles
from weighbridge.policy.trust import CertificateTrust, KeyTrust, SigstoreTrust, TrustEntry

NOBODY_CAN_TELL: Final = frozenset(
    {
        Code.EVIDENCE_INCOMPLETE,
        Code.EXTRA_MISSING,
        Code.FILE_CHANGED,
        Code.FILE_UNREADABLE,
        Code.INTERNAL,
        Code.IO_FAILED,
        Code.LIMIT_EXCEEDED,
        Code.METHOD_UNAVAILABLE,
        Code.POLICY_UNSUPPORTED,
        Code.STORE_UNUSABLE,
    }
)
"""Gaps that say that the signature could not be examined; every other one speaks against it."""

NO_SIGNATURE_REQUIRED: Final = "no signature required by the rule"
NOT_SIGNED: Final = "no accepted signature covers it"
GIT_METADATA: Final = "Git metadata outside the signature, tolerated by the rule"


@frozen
class SignatureAssessment:
    """
    What the signatures amount to under the rule.

    Attributes:
        reasons: For and against.
        signers: The complete signatures of trusted signers.
        covered: Model files that all of them cover; where there is none, those that every
            incomplete one of a trusted signer covers.
        uncovered: All other model files.
    """

    reasons: tuple[Reason, ...]
    signers: tuple[SignatureEvidence, ...]
    covered: tuple[str, ...]
    uncovered: tuple[Uncovered, ...]


def assess(submission: Submission) -> SignatureAssessment:
    """Judge the signatures; every model file is in exactly one of `covered` and `uncovered`."""
    if not submission.rule.signature.required:
        return SignatureAssessment(
            reasons=tuple(_noted_gaps(submission)),
            signers=(),
            covered=(),
            uncovered=tuple(
                Uncovered(path=entry.path, reason=NO_SIGNATURE_REQUIRED)
                for entry in submission.model_entries
            ),
        )
    counting = sorted({s for s in submission.signatures if _counts(submission, s)}, key=_order)  # 1
    defects = {signature: tuple(_defects(submission, signature)) for signature in counting}
    complete = tuple(s for s in counting if not defects[s])  # 2
    met = _count(complete) >= submission.rule.signature.threshold  # 3
    reasons = [reason for signature in counting for reason in defects[signature]]
    if met:
        reasons = [_demoted(reason) for reason in reasons]
        reasons += _noted_gaps(submission)
    else:
        reasons += _shortfall(submission, complete)
    covered = _covered(submission, complete or tuple(counting))
    uncovered = tuple(
        Uncovered(path=e.path, reason=GIT_METADATA if complete else NOT_SIGNED)
        for e in submission.model_entries
        if e.path not in covered
    )
    reasons += [noted(Code.UNCOVERED_FILE, u.reason, path=u.path) for u in uncovered if complete]
    return SignatureAssessment(
        reasons=tuple(reasons),
        signers=complete,
        covered=tuple(e.path for e in submission.model_entries if e.path in covered),
        uncovered=uncovered,
    )


def _count(signatures: Iterable[SignatureEvidence]) -> int:
    """Return how many different signers made *signatures*."""
    return count_signers((signature.trust or "", signature.identity) for signature in signatures)


def is_of_entry(entry: TrustEntry | None, identity: VerifiedIdentity) -> bool:
    """Tell whether *identity* is of the kind that *entry* is about."""
    match entry:
        case KeyTrust():
            return isinstance(identity, KeyIdentity)
        case CertificateTrust():
            return isinstance(identity, CertificateIdentity)
        case SigstoreTrust():
            return isinstance(identity, SigstoreIdentity)
        case None:
            return False


def describe_signer(submission: Submission, signature: SignatureEvidence) -> str:
    """Return one phrase that says who signed and how closely that was specified."""
    trust = submission.policy.trust_entry(signature.trust or "")
    loose = isinstance(trust, CertificateTrust) and trust.any_identity
    suffix = ", any identity below its roots" if loose else ""
    return f"{signature.trust} ({signature.identity.label}{suffix})"


def _counts(submission: Submission, signature: SignatureEvidence) -> bool:
    if signature.trust is None or signature.trust not in submission.rule.signature.any_of:
        return False
    return is_of_entry(submission.policy.trust_entry(signature.trust), signature.identity)


def _defects(submission: Submission, signature: SignatureEvidence) -> Iterator[Reason]:
    who = describe_signer(submission, signature)
    covered = frozenset(signature.covered)
    for entry in submission.model_entries:
        if entry.path not in covered and not _tolerated(submission, entry):
            message = f"not covered by the signature of {who}"
            yield denied(Code.UNCOVERED_FILE, message, path=entry.path)
    for path in _empty_directories(submission):
        message = f"an empty directory, which the signature of {who} cannot cover"
        yield denied(Code.EMPTY_DIRECTORY, message, path=path)
    for path in sorted(covered - {entry.path for entry in submission.entries}):
        message = f"covered by the signature of {who}, but the artifact does not have it"
        yield denied(Code.FILE_MISSING, message, path=path)


def _empty_directories(submission: Submission) -> Iterator[str]:
    """
    Yield the empty directories that the rule does not tolerate.

    They hold nothing, yet that one is there can matter to a loader (a namespace package).
    """
    if submission.inventory is None:
        return
    git_only = submission.rule.signature.uncovered is UncoveredFiles.ALLOW_GIT_METADATA
    for path in submission.inventory.empty_directories:
        if not (git_only and path.split("/", 1)[0] in GIT_NAMES):
            yield path


def _tolerated(submission: Submission, entry: FileEntry) -> bool:
    return (
        submission.rule.signature.uncovered is UncoveredFiles.ALLOW_GIT_METADATA
        and entry.path.split("/", 1)[0] in GIT_NAMES
        and entry.format is not None
        and carries(entry.format) in HARMLESS
    )


def _covered(submission: Submission, signatures: tuple[SignatureEvidence, ...]) -> frozenset[str]:
    if not signatures:
        return frozenset()
    paths = frozenset(entry.path for entry in submission.model_entries)
    return paths.intersection(*(signature.covered for signature in signatures))


def _shortfall(submission: Submission, complete: tuple[SignatureEvidence, ...]) -> Iterator[Reason]:
    """Say that too few signed, who might still have, and what went wrong."""
    control = submission.rule.signature
    have = _count(complete)
    message = (
        f"{have} of {control.threshold} trusted signer{'s' if control.threshold > 1 else ''} "
        f"signed every file; accepted are {', '.join(control.any_of)}"
    )
    # Milder than what it follows from, so that an uncovered file or a bad signature comes first.
    yield denied(Code.SIGNER_THRESHOLD, message, severity=Severity.MEDIUM)
    for gap in submission.gaps(Stage.SIGNATURE):
        if gap.code in NOBODY_CAN_TELL:
            yield undecided(gap.code, gap.reason, path=gap.path)
        elif gap.code in NOT_THIS_SIGNER:
            yield denied(gap.code, gap.reason, path=gap.path)
        else:
            missing = gap.code is Code.SIGNATURE_MISSING
            severity = Severity.HIGH if missing else Severity.CRITICAL
            yield denied(gap.code, gap.reason, path=gap.path, severity=severity)


def _noted_gaps(submission: Submission) -> Iterator[Reason]:
    for gap in submission.gaps(Stage.SIGNATURE):
        yield _noted_gap(gap)


def _noted_gap(gap: Gap) -> Reason:
    return noted(gap.code, f"another signature: {gap.reason}", path=gap.path)


def _demoted(reason: Reason) -> Reason:
    return noted(reason.code, reason.message, path=reason.path, severity=reason.severity)


def _order(signature: SignatureEvidence) -> tuple[str, str]:
    return signature.trust or "", repr(signature)
