"""
The lineage of an artifact as a graph: what it was made from, by whom, and whether that holds.

The nodes are artifacts under the names by which builds call them; the steps between them are
builds. What nobody held against a policy is claimed, and nothing more.
"""

from enum import StrEnum

from weighbridge.core.attestation import Artifact, Binding, Build
from weighbridge.core.limits.policy import LINEAGE_LINK_CHARS
from weighbridge.core.values import frozen

BEYOND_LINKS = "there are more builds and inputs in the lineage than are looked at"
"""What is wrong with an artifact whose further builds are left out; see `weight`."""


def weight(build: Build, /) -> int:
    """Return how many of `MAX_LINEAGE_LINKS` *build* takes each time that it is in a lineage."""
    chars = sum(len(name) + len(value) for name, value in build.parameters)
    return 1 + len(build.inputs) + chars // LINEAGE_LINK_CHARS


class Standing(StrEnum):
    """How much a part of a lineage is worth."""

    HOLDS = "holds"
    """It meets what the policy demands of it."""

    BROKEN = "broken"
    """It does not."""

    CLAIMED = "claimed"
    """Nobody held it against a policy: anybody may have written it."""


@frozen
class LineageStep:
    """
    A build of an artifact, as one claim tells it.

    Attributes:
        place: File and line of the claim.
        sha256: Lower-case hex digest of the claim's bundle.
        trust: The policy's trust entry that signed it; None where nobody's signature was verified.
        signer: Who that is; None likewise.
        build: What the claim says.
        inputs: Where in the lineage the build's inputs are, in its order; None for one that is
            beyond the bound of how many are looked at.
        standing: What it is worth.
        problems: Why it is broken, where it is not for its inputs.
    """

    place: str
    sha256: str
    trust: str | None = None
    signer: str | None = None
    build: Build
    inputs: tuple[int | None, ...]
    standing: Standing
    problems: tuple[str, ...] = ()


@frozen
class LineageNode:
    """
    An artifact under the name by which a build calls it.

    Attributes:
        artifact: The artifact; of the first one it is how it was asked for.
        generation: How many steps it is away, by the shortest way.
        rule: What the deciding rule is called; None where no policy was asked, or none matches.
        boundary: Where that rule was looked up.
        signers: The policy's trust entries, by whom it is signed according to the claims.
        receipt: File and line of the receipt that stands for what is behind it.
        steps: The builds that it may come from; any one that holds is enough.
        standing: What it is worth.
        problems: Why it is broken, where it is not for its steps.
    """

    artifact: Artifact
    generation: int
    rule: str | None = None
    boundary: str | None = None
    signers: tuple[str, ...] = ()
    receipt: str | None = None
    steps: tuple[LineageStep, ...] = ()
    standing: Standing
    problems: tuple[str, ...] = ()


@frozen
class Lineage:
    """
    An artifact and everything that it was made from; the artifact is the first node.

    A node can be an input of several steps, and in broken lineages also of its own.
    """

    nodes: tuple[LineageNode, ...]

    def __post_init__(self) -> None:
        if not self.nodes:
            raise ValueError("a lineage has an artifact")

    @property
    def first(self) -> LineageNode:
        """The artifact whose lineage it is."""
        return self.nodes[0]

    @property
    def parents(self) -> frozenset[Binding]:
        """What the artifact was made from, by those of its builds that hold."""
        return frozenset(
            artifact.binding
            for step in self.first.steps
            if step.standing is Standing.HOLDS
            for artifact in step.build.inputs
        )
