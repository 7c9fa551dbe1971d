"""
What the stages say about an artifact.

Evidence is total: a file that a stage did not examine to the end has a `Gap`, one that it did
and found nothing in has a `Clean`.
"""

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from weighbridge.core.attestation import Attestation
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, FileDigest, HashLayout
from weighbridge.core.identity import (
    CertificateIdentity,
    ClaimedIdentity,
    KeyIdentity,
    SigningTime,
    VerifiedIdentity,
)
from weighbridge.core.values import frozen


class Stage(StrEnum):
    """The stages that give evidence, in the order of the flow."""

    INVENTORY = "inventory"
    SCAN = "scan"
    SIGNATURE = "signature"
    PROVENANCE = "provenance"


class Severity(StrEnum):
    """What happens if the finding is what it looks like."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return list(Severity).index(self)

    def at_least(self, bar: "Severity") -> bool:
        """Tell whether this severity reaches *bar*."""
        return self.rank >= bar.rank


class Confidence(StrEnum):
    """How sure the rule is that the finding is what it looks like."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@frozen
class Finding:
    """
    Something a rule found.

    Attributes:
        rule: The rule's id.
        path: The file, relative to the artifact's root.
        member: The member of an archive, where there is one; `a.zip!b` nests.
        offset: Byte offset in the file or member, where known.
        line: Line of the text that the file or member is, from 1, where known.
        message: One sentence: what the file would do.
        evidence: Names, arguments, decompiled calls; untrusted text, rendered escaped.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    path: str
    member: str | None = None
    offset: int | None = None
    line: int | None = None
    message: str
    evidence: tuple[str, ...] = ()


@frozen
class Clean:
    """The stage examined the whole file and found nothing."""

    stage: Stage
    path: str


@frozen
class Gap:
    """
    Something was not, or not wholly, examined.

    Attributes:
        stage: Whose evidence is missing.
        code: Why, as a stable code.
        path: The file; None when the whole artifact is concerned.
        member: The member of an archive, where there is one.
        reason: Why, as a sentence.
    """

    stage: Stage
    code: Code
    path: str | None
    member: str | None = None
    reason: str


@frozen
class Uncovered:
    """A file that a valid signature does not cover, and why that was not an error."""

    path: str
    reason: str


@frozen
class SignatureEvidence:
    """
    A signature that holds, by a signer whose identity was verified.

    Attributes:
        identity: Who signed, established by cryptography.
        trust: Name of the trust entry of the policy that matched; None outside a policy.
        signature_path: The signature file.
        signature_sha256: Digest of the very bytes that were verified.
        subject: What the signer called the model; a claim.
        root: The OMS root digest, recomputed.
        layout: How the files were digested.
        covered: Paths whose bytes match the signature.
        uncovered: Paths outside the signature that the caller accepted; always reported.
        claimed_ignores: The signer's own ignore list; a claim, never applied.
        verified_at: The clock the caller passed in.
        digests: Of the files in `covered`, in their order; empty where nobody asked for them.
    """

    identity: VerifiedIdentity
    trust: str | None = None
    signature_path: str
    signature_sha256: Digest
    subject: ClaimedIdentity
    root: Digest
    layout: HashLayout
    covered: tuple[str, ...]
    uncovered: tuple[Uncovered, ...]
    claimed_ignores: tuple[str, ...]
    verified_at: datetime
    digests: tuple[FileDigest, ...] = ()

    @property
    def times(self) -> tuple[SigningTime, ...]:
        """When it was signed, by clocks that the verifier trusts; empty where nobody knows."""
        return self.identity.times

    @property
    def unused_timestamps(self) -> tuple[str, ...]:
        """Timestamps of the signature that count for nothing, each with the reason."""
        if isinstance(self.identity, KeyIdentity | CertificateIdentity):
            return self.identity.unused_timestamps
        return ()


@frozen
class OtherSignature:
    """
    A signature file of the artifact that does not count, and why.

    Attributes:
        path: The file.
        sha256: Digest of its bytes; None where it could not be read.
        code: What is wrong with it; None where nobody looked.
        reason: The same as a sentence.
    """

    path: str
    sha256: Digest | None
    code: Code | None
    reason: str


@frozen
class Verification:
    """
    What a verification established: it exists only where enough signatures hold.

    Where there are several, `covered` has the files that each of them covers, and `uncovered`
    the others; everything else that has no word of its own is the first one's.

    Attributes:
        signatures: Those that hold, by signers whom the caller expects; at least one.
        signers: How many different signers made them.
        others: Signature files that do not count; they neither help nor vanish.
    """

    signatures: tuple[SignatureEvidence, ...]
    signers: int = 1
    others: tuple[OtherSignature, ...] = ()

    def __post_init__(self) -> None:
        if not self.signatures:
            raise ValueError("a verification rests on a signature")

    @property
    def first(self) -> SignatureEvidence:
        """The first signature: `model.sig` if it holds, else the next one by name."""
        return self.signatures[0]

    @property
    def identity(self) -> VerifiedIdentity:
        """Who made the first signature."""
        return self.first.identity

    @property
    def root(self) -> Digest:
        """The root digest that the first signature is over."""
        return self.first.root

    @property
    def layout(self) -> HashLayout:
        """How the files were digested for the first signature."""
        return self.first.layout

    @property
    def times(self) -> tuple[SigningTime, ...]:
        """When the first signature was made, by clocks that the verifier trusts."""
        return self.first.times

    @property
    def covered(self) -> tuple[str, ...]:
        """Paths that every signature covers, sorted."""
        return tuple(
            sorted(frozenset.intersection(*(frozenset(s.covered) for s in self.signatures)))
        )

    @property
    def uncovered(self) -> tuple[Uncovered, ...]:
        """Paths that at least one signature does not cover, sorted, each once."""
        found = {item.path: item for s in reversed(self.signatures) for item in s.uncovered}
        return tuple(found[path] for path in sorted(found))


@frozen
class ProvenanceEvidence:
    """
    A verified statement about how the artifact was made, which the policy believes.

    Attributes:
        signer: Who signed the statement.
        builder_id: Whom the statement names as builder; believed only as far as policy says.
        predicate_type: URI of the predicate.
        subjects: Digests that the statement binds to: both of the artifact, or those of its files.
        source: Source reference, where the statement has one.
        trust: Name of the policy's trust entry that signed it.
        builder: Name of the policy's builder that it is by.
        level: The SLSA build level that it reaches; 0 where nobody said.
        build_type: URI of the template that the build was made after.
        invocation_id: Which run it was, where the statement says so.
        claim: Lower-case hex digest of the signed bundle.
    """

    signer: VerifiedIdentity
    builder_id: str
    predicate_type: str
    subjects: tuple[Digest, ...]
    source: str | None = None
    notes: tuple[str, ...] = field(default=())
    trust: str | None = None
    builder: str | None = None
    level: int = 0
    build_type: str | None = None
    invocation_id: str | None = None
    claim: str | None = None


@frozen
class Consulted:
    """
    Another scanner was asked, and what came of it; its findings and gaps stand by themselves.

    Attributes:
        scanner: What the caller or the policy calls it.
        version: Its version, where it says so.
        finished: Whether it ran to its end and was understood; if not, there is a gap.
        findings: How many findings it added.
        alone: Files in which it found something and this tool did not.
        silent: Files in which this tool found something and it did not.
        offline: Whether it had no network.
    """

    scanner: str
    version: str | None = None
    finished: bool
    findings: int = 0
    alone: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    offline: bool = True


@frozen
class ClaimedBase:
    """
    What an adapter's own configuration calls the model that it is put on: a claim.

    Attributes:
        path: The configuration.
        name: What it says; None where it says nothing that could be a name.
        problem: Why there is no name.
    """

    path: str
    name: str | None
    problem: str | None = None


Evidence = (
    Finding
    | Clean
    | Gap
    | SignatureEvidence
    | ProvenanceEvidence
    | Consulted
    | Attestation
    | ClaimedBase
)
"""What the stages say. An `Attestation` may be about this artifact or about one in its lineage."""
