"""Running of a policy's cases: only the evaluation, over evidence made up from each case."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Final

from weighbridge.core.artifact import (
    ArtifactDigests,
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileStamp,
    Inventory,
)
from weighbridge.core.attestation import Attestation, Binding
from weighbridge.core.digest import Digest, DigestPart, FileDigest, HashAlgorithm, HashLayout
from weighbridge.core.evidence import (
    Clean,
    Consulted,
    Evidence,
    Finding,
    Gap,
    SignatureEvidence,
    Stage,
)
from weighbridge.core.identity import (
    CertificateIdentity,
    ClaimedIdentity,
    KeyIdentity,
    SigstoreIdentity,
    VerifiedIdentity,
)
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Verdict
from weighbridge.policy.assumed import (
    assumption_problems,
    build_attestation,
    signature_attestation,
    signer_of,
)
from weighbridge.policy.cases import PolicyCase
from weighbridge.policy.controls.interface import Naming
from weighbridge.policy.evaluate import evaluate
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import reference_names, select_rule
from weighbridge.policy.table import quote
from weighbridge.policy.trust import KeyTrust, SigstoreTrust

_LAYOUT: Final = HashLayout()
_PAST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FUTURE: Final = datetime(9999, 1, 1, tzinfo=UTC)


@frozen
class CaseResult:
    """
    How a case came out.

    Attributes:
        case: The case.
        verdict: What the policy says.
        problems: What is not as expected; empty when the case passes.
    """

    case: PolicyCase
    verdict: Verdict
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.problems


def run_cases(
    policy: Policy, cases: tuple[PolicyCase, ...], *, now: datetime
) -> tuple[CaseResult, ...]:
    """Evaluate *policy* for every case; *now* is the time of cases without a day."""
    return tuple(_run_case(policy, case, now=now) for case in cases)


def _run_case(policy: Policy, case: PolicyCase, *, now: datetime) -> CaseResult:
    moment = now if case.day is None else datetime.combine(case.day, time(12), tzinfo=UTC)
    inventory = _inventory(case)
    told: list[Finding | Gap] = [*case.findings, *case.gaps]
    about = {item.path for item in told}
    evidence: list[Evidence] = [*told]
    evidence += [Clean(stage=Stage.SCAN, path=path) for path, _ in case.files if path not in about]
    # A case is about the policy: the other scanners that it asks are assumed to find nothing.
    asked = dict.fromkeys(name for rule in policy.rules for name in rule.scan.also)
    evidence += [Consulted(scanner=name, finished=True) for name in asked]
    for number, name in enumerate(case.signers):
        evidence.append(_signature(policy, case, name=name, number=number, now=moment))
    digests = ArtifactDigests(name=case.reference, oms=_digest(0), names=_digest(0))
    own = Binding(root=digests.oms, names=_digest(0))
    evidence += _claims(policy, case, own=own)
    verdict = evaluate(
        policy,
        selection=select_rule(
            policy, names=reference_names(case.reference), boundary=case.boundary
        ),
        inventory=inventory,
        evidence=tuple(evidence),
        digests=digests,
        now=moment,
        bindings=(Naming(binding=own, paths=frozenset(path for path, _ in case.files)),),
    )
    return CaseResult(case=case, verdict=verdict, problems=_problems(policy, case, verdict))


def _problems(policy: Policy, case: PolicyCase, verdict: Verdict) -> tuple[str, ...]:
    problems = [
        f"'signers': no [trust.{quote(name)[1:-1]}]"
        for name in case.signers
        if policy.trust_entry(name) is None
    ]
    problems += assumption_problems(policy, case.builds, case.signed)
    if verdict.decision is not case.expect:
        problems.append(f"expected {case.expect}, found {verdict.decision}")
    given = sorted({reason.code for reason in verdict.reasons})
    problems += [
        f"expected a reason {quote(code)}, found {', '.join(given)}"
        for code in case.codes
        if code not in given
    ]
    return tuple(problems)


def _inventory(case: PolicyCase) -> Inventory:
    return Inventory(
        name=case.reference,
        kind=ArtifactKind.DIRECTORY,
        entries=tuple(
            FileEntry(
                path=path,
                size=0,
                role=EntryRole.MODEL,
                format=kind,
                suffix_format=None,
                through_symlink=False,
                stamp=FileStamp(device=0, inode=0, size=0, mtime_ns=0, ctime_ns=0),
                digests=(FileDigest(_LAYOUT, (DigestPart(0, 0, _digest(number).value),)),),
            )
            for number, (path, kind) in enumerate(case.files)
        ),
        empty_directories=(),
        layouts=(_LAYOUT,),
        gaps=(),
    )


def _signature(
    policy: Policy, case: PolicyCase, *, name: str, number: int, now: datetime
) -> SignatureEvidence:
    return SignatureEvidence(
        identity=_identity(policy, name=name, number=number),
        trust=name,
        signature_path="assumed by the case",
        signature_sha256=_digest(number),
        subject=ClaimedIdentity(case.reference),
        root=_digest(0),
        layout=_LAYOUT,
        covered=tuple(path for path, _ in case.files if path not in case.uncovered),
        uncovered=(),
        claimed_ignores=(),
        verified_at=now,
    )


def _claims(policy: Policy, case: PolicyCase, *, own: Binding) -> Iterator[Attestation]:
    """Yield the statements that *case* assumes, each by a signer of its own for each entry."""
    for number, build in enumerate(case.builds):
        trust = signer_of(policy, build)
        if trust is not None:
            signer = _identity(policy, name=trust, number=_number_of(policy, trust))
            yield build_attestation(
                policy, build, own=own, signer=signer, trust=trust, number=number
            )
    for number, signature in enumerate(case.signed, start=len(case.builds)):
        key = _number_of(policy, signature.signer)
        signer = _identity(policy, name=signature.signer, number=key)
        yield signature_attestation(signature, signer=signer, number=number)


def _number_of(policy: Policy, trust: str) -> int:
    """Return a number for a trust entry, by which its keys differ from those of others."""
    return next((n for n, entry in enumerate(policy.trust) if entry.name == trust), 0)


def _identity(policy: Policy, *, name: str, number: int) -> VerifiedIdentity:
    """Return an identity of the kind that the trust entry *name* asks for."""
    if isinstance(policy.trust_entry(name), KeyTrust):
        return KeyIdentity(fingerprint=_digest(number).hex, curve="assumed by the case")
    if isinstance(policy.trust_entry(name), SigstoreTrust):
        return SigstoreIdentity(
            name=f"assumed by the case: {name}",
            issuer="assumed by the case",
            claims=(),
            fingerprint=_digest(number).hex,
            not_before=_PAST,
            not_after=_FUTURE,
            root_sha256=_digest(number).hex,
            log_id=_digest(number).hex,
            log_index=number,
        )
    return CertificateIdentity(
        subject=f"assumed by the case: {name}",
        issuer="assumed by the case",
        san_uris=(),
        san_emails=(),
        san_dns=(),
        fingerprint=_digest(number).hex,
        root_fingerprint=_digest(number).hex,
        not_before=_PAST,
        not_after=_FUTURE,
        expected=True,
    )


def _digest(number: int) -> Digest:
    return Digest(HashAlgorithm.SHA256, number.to_bytes(HashAlgorithm.SHA256.digest_size, "big"))
