"""
What the stages say about an artifact.

Evidence is total: a file that a stage did not examine to the end has a `Gap`, one that it did
and found nothing in has a `Clean`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashLayout
from weighbridge.core.identity import ClaimedIdentity, VerifiedIdentity


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    Something a rule found.

    Attributes:
        rule: The rule's id.
        path: The file, relative to the artifact's root.
        member: The member of an archive, where there is one; `a.zip!b` nests.
        offset: Byte offset in the file or member, where known.
        message: One sentence: what the file would do.
        evidence: Names, arguments, decompiled calls; untrusted text, rendered escaped.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    path: str
    member: str | None = None
    offset: int | None = None
    message: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """The stage examined the whole file and found nothing."""

    stage: Stage
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """A file that a valid signature does not cover, and why that was not an error."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceEvidence:
    """
    A verified statement about how the artifact was made.

    Attributes:
        signer: Who signed the statement.
        builder_id: Whom the statement names as builder; believed only as far as policy says.
        predicate_type: URI of the predicate.
        subjects: Digests that the statement binds to; both kinds were compared.
        source: Source reference, where the statement has one.
    """

    signer: VerifiedIdentity
    builder_id: str
    predicate_type: str
    subjects: tuple[Digest, ...]
    source: str | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
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


Evidence = Finding | Clean | Gap | SignatureEvidence | ProvenanceEvidence | Consulted
