"""A list of the claims about an artifact, for people: what each says, and who signed it."""

from pathlib import PurePath

from weighbridge.core.attestation import Artifact, Content, Resource
from weighbridge.core.evidence import Gap
from weighbridge.core.identity import SigningMethod, VerifiedIdentity
from weighbridge.core.values import frozen


@frozen
class ClaimSigner:
    """Who signed a claim: a trust entry of the policy, and what cryptography established."""

    trust: str
    identity: VerifiedIdentity


@frozen
class ListedClaim:
    """
    One claim, as far as it can be read.

    Attributes:
        place: File and line.
        sha256: Lower-case hex digest of the bundle.
        method: How it says to be signed; None where it is no bundle.
        predicate_type: URI of what kind it is; None where it cannot be read.
        content: What it says; a claim unless there are `signers`.
        artifacts: What it is about, by both digests.
        files: Single files that it is about besides.
        own: Whether it is about this very artifact, by both digests; None where nobody computed
            them.
        signers: By whom of the policy it is signed; empty where nobody looked as well.
        gap: Why it counts for nothing; None where it is read and, if a policy was given, by one of
            its signers.
    """

    place: str
    sha256: str
    method: SigningMethod | None
    predicate_type: str | None = None
    content: Content | None = None
    artifacts: tuple[Artifact, ...] = ()
    files: tuple[Resource, ...] = ()
    own: bool | None = None
    signers: tuple[ClaimSigner, ...] = ()
    gap: Gap | None = None


@frozen
class ClaimsList:
    """
    All claims of an artifact.

    Attributes:
        name: What the artifact is called.
        place: The claims file; it need not be there.
        verified: Whether signers were held against a policy.
        claims: In the order of the file, each once.
        gaps: Why the file as a whole could not be read.
    """

    name: str
    place: PurePath
    verified: bool
    claims: tuple[ListedClaim, ...]
    gaps: tuple[Gap, ...] = ()

    @property
    def broken(self) -> tuple[Gap, ...]:
        """Whatever counts for nothing."""
        return (*self.gaps, *(claim.gap for claim in self.claims if claim.gap is not None))
