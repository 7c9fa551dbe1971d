"""
From lines to attestations: who signed each claim, and what the signer says.

1. Each line is held against each trust entry of its method; a line can be by several of them.
2. Only what a trusted signer signed is read: as a statement of `provenance/`, or as a model's own
   signature, which was carried along.
3. Whatever does not come to an attestation is a gap, and changes nothing about the others.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from weighbridge.core.attestation import (
    Artifact,
    Attestation,
    Binding,
    Content,
    Resource,
    SignedFiles,
)
from weighbridge.core.codes import NOT_THIS_SIGNER, Code
from weighbridge.core.digest import Digest, HashAlgorithm, HashLayout
from weighbridge.core.errors import (
    ClaimError,
    IndeterminateError,
    MalformedContentError,
    SignatureRejectedError,
)
from weighbridge.core.evidence import Gap
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.core.values import frozen
from weighbridge.formats.json import parse_json
from weighbridge.pipeline.claims.reading import ClaimLine, claim_gap
from weighbridge.pipeline.signatures import reason_of
from weighbridge.pipeline.trust import trust_entries, verifier_for
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy
from weighbridge.provenance.reading import read_claim
from weighbridge.signing.interface import GlancingVerifier, Verifier
from weighbridge.signing.resources import SINGLE_FILE, names_digest_of, root_digest
from weighbridge.signing.statement import LEGACY_PREDICATE_TYPE, Statement, parse_statement

SIGNATURE_PREDICATE = "https://model_signing/signature/"
"""How the URI of a model's own signature begins, whichever its version is."""


@frozen
class StatedClaim:
    """
    What a claim says, whoever signed it.

    Attributes:
        artifacts: What it is about, by both digests.
        files: What it is about besides: single files.
        content: What it says of all of them.
        predicate_type: URI of what kind it is.
    """

    artifacts: tuple[Artifact, ...]
    files: tuple[Resource, ...]
    content: Content
    predicate_type: str


def needed_trust(policy: Policy, rule: Rule, *, boundary: str) -> frozenset[str]:
    """
    Return the trust entries of *policy* that a check of *rule* at *boundary* can need for claims.

    Those who sign for the rule's builders, and whose receipts and parts it takes. With a lineage
    also whatever any rule asks for that an artifact in it can come under: who signs, builds,
    receives.
    """
    rules = [rule, *_ancestral(policy, rule, boundary=boundary)]
    builders = {name for each in rules for name in each.provenance.builder}
    names = {b.signed_by for b in policy.builders if b.name in builders}
    names |= {each.receipt.issuer for each in rules if each.receipt is not None}
    names |= set() if rule.parts is None else {rule.parts.issuer}
    # Who signed the artifact itself is told from its signatures, and not from claims.
    names |= {name for each in rules[1:] for name in each.signature.any_of}
    return frozenset(names)


def all_trust(policy: Policy) -> frozenset[str]:
    """Return every trust entry of *policy*."""
    return frozenset(entry.name for entry in policy.trust)


def verify_claims(
    lines: Iterable[ClaimLine],
    policy: Policy,
    *,
    trust: Iterable[str],
    at: datetime,
) -> tuple[tuple[Attestation, ...], tuple[Gap, ...]]:
    """
    Hold *lines* against the signers whom *policy* trusts.

    Args:
        lines: As read; each is held against every signer of its method.
        policy: Whose trust entries and key files count.
        trust: Names of the trust entries that matter; see `needed_trust`.
        at: The caller's clock, with a time zone.

    Returns:
        An attestation for each line and each of its signers, and a gap for each line that comes
        to none.

    Raises:
        UsageError: A key file that the policy names is not there.
        KeyRejectedError: It cannot be used.
        OperationError: It cannot be read, or a package is missing.
        PolicyError: A trust entry is not in the policy, or half of one is.
    """
    attestations: list[Attestation] = []
    gaps: list[Gap] = []
    for outcome in verify_each(lines, policy, trust=trust, at=at):
        if isinstance(outcome, Gap):
            gaps.append(outcome)
        else:
            attestations.extend(outcome)
    return tuple(attestations), tuple(gaps)


def verify_each(
    lines: Iterable[ClaimLine], policy: Policy, *, trust: Iterable[str], at: datetime
) -> Iterator[tuple[Attestation, ...] | Gap]:
    """Yield what each of *lines* comes to, in their order; see `verify_claims`."""
    every = tuple(lines)
    names = sorted(trust)
    methods = {line.bundle.method for line in every if line.bundle is not None}
    entries = [e for e in trust_entries(policy, tuple(names)) if e.method in methods]
    verifiers = tuple((entry.name, verifier_for(entry, policy)) for entry in entries)
    for line in every:
        yield line.gap or _verify(line, verifiers, names=names, at=at)


def read_line(line: ClaimLine) -> StatedClaim:
    """
    Return what *line* says, whoever signed it.

    Raises:
        ClaimError: It is no bundle, or not a statement that is read here.
    """
    if line.bundle is None:
        reason = "" if line.gap is None else line.gap.reason
        raise ClaimError(f"the claim cannot be read: {reason}", where=line.place)
    return _read(line.bundle.payload, where=line.place)


def _ancestral(policy: Policy, rule: Rule, *, boundary: str) -> list[Rule]:
    """Return the rules under which an artifact of a lineage can come that starts at *rule*."""
    if rule.lineage is None:
        return []
    waiting = [rule.lineage.boundary or boundary]
    seen: set[str] = set()
    found: dict[int, Rule] = {}
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for each in policy.rules:
            if each.applies_at(place):
                found[each.index] = each
                if each.lineage is not None:
                    waiting.append(each.lineage.boundary or place)
    return [found[index] for index in sorted(found)]


def _verify(
    line: ClaimLine,
    verifiers: tuple[tuple[str, Verifier], ...],
    *,
    names: list[str],
    at: datetime,
) -> tuple[Attestation, ...] | Gap:
    bundle = line.bundle
    assert bundle is not None
    name = line.place.rpartition(":")[0]
    signers: list[tuple[str, VerifiedIdentity]] = []
    refusals: list[tuple[str, SignatureRejectedError | IndeterminateError]] = []
    for trust, verifier in verifiers:
        if verifier.method is not bundle.method:
            continue
        try:
            if isinstance(verifier, GlancingVerifier):
                verifier.glance(bundle)
            signers.append((trust, verifier.verify(bundle, at=at)))
        except (SignatureRejectedError, IndeterminateError) as error:
            refusals.append((trust, error))
    if not signers:
        return _refused(line, refusals, names=names)
    try:
        said = _read(bundle.payload, where=line.place)
    except (ClaimError, IndeterminateError) as error:
        return claim_gap(error, line.place, name=name, signer=signers[0][0])
    return tuple(
        Attestation(
            signer=identity,
            trust=trust,
            place=line.place,
            sha256=line.sha256,
            artifacts=said.artifacts,
            files=said.files,
            content=said.content,
        )
        for trust, identity in signers
    )


def _refused(
    line: ClaimLine,
    refusals: list[tuple[str, SignatureRejectedError | IndeterminateError]],
    *,
    names: list[str],
) -> Gap:
    """Say that nobody whom the policy names signed *line*, or why a signature of theirs fails."""
    name = line.place.rpartition(":")[0]
    for trust, error in refusals:
        # One of them did, or nobody can tell: that says more than that others did not.
        if error.code not in NOT_THIS_SIGNER:
            return claim_gap(error, line.place, name=name, signer=trust)
    stranger = ClaimError(
        f"nobody who matters signed it; asked for were {', '.join(names) or 'nobody'}",
        code=Code.CLAIM_UNTRUSTED,
    )
    return claim_gap(stranger, line.place, name=name)


def _read(payload: bytes, *, where: str) -> StatedClaim:
    kind = _signature_kind(payload, where=where)
    if kind is None:
        claim = read_claim(payload, where=where)
        return StatedClaim(
            artifacts=claim.artifacts,
            files=claim.files,
            content=claim.content,
            predicate_type=claim.predicate_type,
        )
    try:
        statement = parse_statement(payload, where=where)
    except SignatureRejectedError as error:
        raise ClaimError(reason_of(error), where=where) from error
    return signed_files(statement, kind=kind, where=where)


def _signature_kind(payload: bytes, *, where: str) -> str | None:
    """Return which version of a model's signature *payload* states; None where it states none."""
    if (
        SIGNATURE_PREDICATE.encode() not in payload
        and LEGACY_PREDICATE_TYPE.encode() not in payload
    ):
        # A character of it could be escaped: no signer writes that, and `read_claim` refuses it.
        return None
    try:
        document = parse_json(payload, what=where)
    except (MalformedContentError, IndeterminateError):
        return None
    kind = document.get("predicateType") if isinstance(document, dict) else None
    if not isinstance(kind, str):
        return None
    return kind if kind.startswith(SIGNATURE_PREDICATE) or kind == LEGACY_PREDICATE_TYPE else None


def signed_files(statement: Statement, *, kind: str, where: str) -> StatedClaim:
    """
    Return what a model's own signature says: which model, by both digests, and its files.

    Args:
        statement: The signature's.
        kind: Its predicate's type.
        where: The file, for messages.

    Raises:
        ClaimError: It is not over SHA-256 digests of whole files, so it names no model by both.
    """
    if statement.layout != HashLayout() or statement.legacy:
        layout = statement.layout
        raise ClaimError(
            "the signature does not bind a model by both digests",
            code=Code.CLAIM_UNBOUND,
            where=where,
            expected="SHA-256 of whole files",
            found=str(layout.algorithm) + (" of shards" if layout.shard_size else ""),
        )
    resources = sorted(statement.resources, key=lambda each: each.path)
    name = statement.subject_name
    files = [
        (name if each.path == SINGLE_FILE else each.path, Digest(HashAlgorithm.SHA256, each.value))
        for each in resources
    ]
    try:
        names = names_digest_of(files)
    except ValueError as error:
        raise ClaimError(str(error), where=where) from error
    # In the order of the specification, in which everybody else computes it as well.
    binding = Binding(root=root_digest(resources), names=names)
    return StatedClaim(
        artifacts=(Artifact(name=name, binding=binding),),
        files=(),
        content=SignedFiles(
            paths=tuple(each.path for each in resources),
            digests=tuple(each.value.hex() for each in resources),
        ),
        predicate_type=kind,
    )
