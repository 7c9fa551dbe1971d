"""
What a bill of materials says, before it has a format: facts, each with who stands for it.

A bill mixes what was computed or verified with what the model says of itself. Readers of an
inventory cannot tell these apart unless every field says it, so every field here does.
"""

from datetime import datetime
from enum import StrEnum

from weighbridge.core.artifact import ArtifactDigests
from weighbridge.core.attestation import Binding
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Decision


class Standing(StrEnum):
    """Who stands for a fact."""

    VERIFIED = "verified"
    """Computed from the bytes, or said by somebody whose signature was verified."""

    CLAIMED = "claimed"
    """The model, or somebody whom nobody verified, says so."""


@frozen
class Fact:
    """
    One value of a field.

    Attributes:
        value: The value; untrusted text where it is claimed.
        standing: Who stands for it.
        basis: What it rests on, in a few words: `computed`, `README.md`, `signed by ...`.
    """

    value: str
    standing: Standing
    basis: str


@frozen
class BillFile:
    """A file of the model; its digest was computed."""

    path: str
    size: int
    format: str | None
    sha256: str | None


@frozen
class BillTensors:
    """
    What the headers of the weights say.

    Attributes:
        parameters: Elements of all tensors.
        types: Pairs of an element type and how many elements have it, sorted.
        files: How many files they are in.
        unread: Weight files whose header was not read, sorted: the numbers are without them.
    """

    parameters: int
    types: tuple[tuple[str, int], ...]
    files: int
    unread: tuple[str, ...] = ()


@frozen
class BillInput:
    """Something that a build used."""

    name: str
    uri: str | None
    binding: Binding | None
    digests: tuple[tuple[str, str], ...] = ()


@frozen
class BillBuild:
    """
    A step that made the model.

    Attributes:
        build_type: URI of the build type.
        builder: URI of the builder.
        source: `URI@REF` of the source, where the statement has one.
        invocation_id: Which run it was.
        started: When it began.
        finished: When it was done.
        parents: The models and data sets that it was made from.
        others: What else it used.
        standing: Verified only where the signer is one whom the policy names.
        basis: Who signed it, or that nobody verified it.
    """

    build_type: str
    builder: str
    source: str | None
    invocation_id: str | None
    started: datetime | None
    finished: datetime | None
    parents: tuple[BillInput, ...]
    others: tuple[BillInput, ...]
    standing: Standing
    basis: str


@frozen
class Bill:
    """
    A model's bill of materials.

    Attributes:
        digests: How claims name the model; computed.
        files: Its files, computed.
        tensors: What the weights' headers say; None where there are none that are read.
        licenses: Its licences.
        task: What it is for.
        architectures: Names of its classes.
        family: Its architecture's family, such as `bert`.
        libraries: The libraries that it is for.
        languages: Natural languages.
        datasets: What it says that it was trained on.
        base_models: What it says that it was made from.
        signers: Who signed it.
        builds: How it was made.
        decision: What a policy said of it; None without a policy.
        policy_sha256: That policy's digest.
        notes: What could not be read or told, each one sentence.
        created: When the bill was made, UTC.
        tool_version: Of this program.
    """

    digests: ArtifactDigests
    files: tuple[BillFile, ...]
    tensors: BillTensors | None = None
    licenses: tuple[Fact, ...] = ()
    task: Fact | None = None
    architectures: tuple[Fact, ...] = ()
    family: Fact | None = None
    libraries: tuple[Fact, ...] = ()
    languages: tuple[Fact, ...] = ()
    datasets: tuple[Fact, ...] = ()
    base_models: tuple[Fact, ...] = ()
    signers: tuple[Fact, ...] = ()
    builds: tuple[BillBuild, ...] = ()
    decision: Decision | None = None
    policy_sha256: str | None = None
    notes: tuple[str, ...] = ()
    created: datetime
    tool_version: str
