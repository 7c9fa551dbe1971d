"""
What signed statements say about artifacts: subjects, builds, verdicts of others, signed files.

These are the values that the stages and the policy speak about. How they look on the wire is the
business of `provenance/`; who signed them is established by `signing/`. A statement is a claim
until its signer was verified; then it is an `Attestation`.

Sources: in-toto Attestation Framework, Statement v1 and ResourceDescriptor; SLSA v1.2, build
provenance and verification summary.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from weighbridge.core.digest import Digest, DigestPart
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.core.values import frozen

MANIFEST_SUFFIX: Final = "#manifest"
"""What the second subject's name has behind the first one's: its digest binds the names."""

VERIFIER_ID: Final = "urn:weighbridge:verifier"
"""Whom this tool's receipts name as verifier; who that is depends on who signed them."""


@frozen
class Binding:
    """
    An artifact as claims name it: by both digests. Two artifacts are one if both are equal.

    Attributes:
        root: The OMS root digest, which other tools know and which does not bind file names.
        names: The names digest, which does.
    """

    root: Digest
    names: Digest

    @property
    def label(self) -> str:
        """One short word for people: the start of the names digest."""
        return f"sha256:{self.names.hex[:12]}"


@frozen
class Resource:
    """
    A subject of a statement, or something that a build used or gave (in-toto ResourceDescriptor).

    Attributes:
        name: What the statement calls it; a claim.
        uri: Where it is, or which one it is.
        digests: Pairs of an algorithm's name and the digest, sorted; empty where there is none.
        media_type: Of its content.
        annotations: Pairs of a name and its value as canonical JSON, sorted.
    """

    name: str | None = None
    uri: str | None = None
    digests: tuple[tuple[str, str], ...] = ()
    media_type: str | None = None
    annotations: tuple[tuple[str, str], ...] = ()

    def digest(self, algorithm: str, /) -> str | None:
        """Return the digest by *algorithm*, as it stands in the statement."""
        return dict(self.digests).get(algorithm)


@frozen
class Artifact:
    """
    A model or a data set that a statement is about or a build used: named by both digests.

    Attributes:
        name: What the statement calls it; a claim, by which a policy finds its rule.
        uri: Where it came from, where the statement says so.
        binding: Which one it is.
    """

    name: str
    uri: str | None = None
    binding: Binding


@frozen
class Source:
    """
    The source that a build was made from.

    Attributes:
        uri: `git+https://HOST/OWNER/REPOSITORY`, without a revision.
        ref: `refs/heads/main` and the like; None where the statement has none.
        commit: Lower-case hex id of the commit; None where the statement has none.
        clean: Whether the working tree was that of the commit; None where nobody says.
    """

    uri: str
    ref: str | None = None
    commit: str | None = None
    clean: bool | None = None

    @property
    def label(self) -> str:
        """The source as a policy's `source` is matched against it: `URI@REF`."""
        revision = self.ref or self.commit
        return self.uri if revision is None else f"{self.uri}@{revision}"


@frozen
class Build:
    """
    How something was built, as the builder says.

    Attributes:
        predicate_type: URI of the predicate that says so.
        build_type: URI of the template that the build is made after.
        builder_id: URI of the builder.
        parameters: What whoever started the build chose: pairs of a dotted name and the value as
            canonical JSON, sorted. The policy has to expect every one of them (SLSA: external
            parameters are untrusted). What `source` says is not among them.
        internal: What the platform set by itself, likewise.
        source: The source, where there is exactly one.
        inputs: The artifacts that it was made from.
        others: Every other resolved dependency: packages, images, single files, further sources.
        byproducts: What else it gave.
        invocation_id: Which run it was.
        started: When it began, by the builder's clock.
        finished: When it was done, by the builder's clock.
    """

    predicate_type: str
    build_type: str
    builder_id: str
    parameters: tuple[tuple[str, str], ...] = ()
    internal: tuple[tuple[str, str], ...] = ()
    source: Source | None = None
    inputs: tuple[Artifact, ...] = ()
    others: tuple[Resource, ...] = ()
    byproducts: tuple[Resource, ...] = ()
    invocation_id: str | None = None
    started: datetime | None = None
    finished: datetime | None = None


@frozen
class Summary:
    """
    A verdict that somebody reached earlier (SLSA Verification Summary Attestation).

    Attributes:
        verifier_id: URI of who verified; only together with the signer does it mean anybody.
        verifier_versions: Pairs of a component and its version, sorted.
        verified: When, by the verifier's clock.
        resource_uri: What the verifier was asked about.
        policy_uri: Which policy was applied.
        policy_sha256: Lower-case hex digest of that policy's bytes; None where it is not named.
        passed: Whether it passed.
        levels: Levels reached, such as `SLSA_BUILD_LEVEL_2`.
        inputs: The attestations that the verdict rests on.
        boundary: The boundary at which the policy was applied, where the verifier says so.
    """

    verifier_id: str
    verifier_versions: tuple[tuple[str, str], ...] = ()
    verified: datetime | None = None
    resource_uri: str
    policy_uri: str
    policy_sha256: str | None = None
    passed: bool
    levels: tuple[str, ...] = ()
    inputs: tuple[Resource, ...] = ()
    boundary: str | None = None


@frozen
class SignedFiles:
    """
    A model's own signature, carried along as a claim: who signed which files.

    With it the signer of a parent is established where the parent's bytes are not at hand.

    Attributes:
        paths: The files, sorted.
        digests: Lower-case hex SHA-256 of each, in their order; empty where nobody says. Both
            digests of the artifact that the signature is about follow from these.
    """

    paths: tuple[str, ...]
    digests: tuple[str, ...] = ()


class Outcome(StrEnum):
    """How a test came out; the value is the word on the wire."""

    PASSED = "PASSED"
    WARNED = "WARNED"
    FAILED = "FAILED"


@frozen
class ResultOfTests:
    """
    That something was tested, a scan for example, and how it came out (in-toto test-result).

    Attributes:
        outcome: Of all tests together.
        configuration: What it was tested with.
        failed: Names of the tests that failed; for a scan, of rules and of gaps.
        warned: Names of those that passed with a warning.
        passed: Names of those that passed.
    """

    outcome: Outcome
    configuration: tuple[Resource, ...] = ()
    failed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()


@frozen
class CutFile:
    """
    A file that was cut into parts.

    Attributes:
        path: Relative to the artifact's root; `.` for a single file.
        parts: SHA-256 of each, from the first byte of the file to the last, without holes.
    """

    path: str
    parts: tuple[DigestPart, ...]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.parts[-1].end


@frozen
class PartDigests:
    """
    The digests of parts of files: who reads a part alone can tell whether it is the right one.

    Attributes:
        files: Those that were cut, sorted by path. Others are read whole.
    """

    files: tuple[CutFile, ...]


Content: TypeAlias = Build | Summary | SignedFiles | ResultOfTests | PartDigests
"""What a statement says, by the kind of its predicate."""


@frozen
class Attestation:
    """
    A statement whose signer was verified: what it says is that signer's word, and no more.

    Attributes:
        signer: Who signed it, established by cryptography.
        trust: Name of the policy's trust entry that the signer is.
        place: File and line, for messages.
        sha256: Lower-case hex digest of the signed bundle.
        artifacts: The artifacts that it is about: those subjects that come with both digests.
        files: Its other subjects: single files, as other platforms name them.
        content: What it says of all of them.
    """

    signer: VerifiedIdentity
    trust: str
    place: str
    sha256: str
    artifacts: tuple[Artifact, ...]
    files: tuple[Resource, ...] = ()
    content: Content

    def is_about(self, binding: Binding, /) -> bool:
        """Tell whether the statement is about the artifact *binding*, by both digests."""
        return any(artifact.binding == binding for artifact in self.artifacts)
