"""
The graph of a lineage while it is walked: what holds, why something does not, and the result.

`ancestry` makes it and says what it means.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from weighbridge.core.attestation import Artifact, Attestation, Build
from weighbridge.core.codes import Code
from weighbridge.core.lineage import LineageNode, LineageStep, Standing
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.inputs import cut
from weighbridge.policy.reasons import denied
from weighbridge.policy.rule import Rule

_FIRST_LINKS: Final = 2
_LAST_LINKS: Final = 3


@dataclass(slots=True, eq=False)
class Step:
    """A build, in the making."""

    attestation: Attestation
    build: Build
    inputs: list["Node | None"] = field(default_factory=list)
    problems: list[Reason] = field(default_factory=list)

    @property
    def height(self) -> int | None:
        """Generations behind what was built this way; None where an input is not established."""
        heights = [None if each is None else each.height for each in self.inputs]
        known = [height for height in heights if height is not None]
        complete = bool(known) and len(known) == len(heights)
        return 1 + max(known) if complete and not self.problems else None


@dataclass(slots=True, eq=False)
class Node:
    """An artifact under a name and a boundary, in the making."""

    number: int
    artifact: Artifact
    boundary: str
    rule: Rule | None
    generation: int
    problems: list[Reason] = field(default_factory=list)
    signers: tuple[str, ...] = ()
    receipt: str | None = None
    steps: list[Step] = field(default_factory=list)
    depth: int | None = None
    """Generations that may be behind it; None where the chain ends here."""
    height: int | None = None
    """Generations that are behind it; None where it is not established."""


def holds(node: Node, generation: int) -> bool:
    """Tell whether *node* holds with *generation* generations behind it, and no more."""
    if node.problems:
        return False
    if node.depth is None:
        return generation == 0
    return generation <= node.depth and any(step.height == generation for step in node.steps)


def step_holds(node: Node, step: Step) -> bool:
    """Tell whether *step* is a build of *node* that holds, within the depth of its rule."""
    height = step.height
    return height is not None and node.depth is not None and height <= node.depth


def explain(root: Node) -> Iterator[Reason]:
    """Yield what is missing behind *root*, each thing once, with the chain that leads there."""
    told: set[int] = set()
    # Every entry is a node and the chain to what it is behind; no recursion, since chains can be
    # long, and no chain of its own for each of them, since there can be many.
    pending: list[tuple[Node, tuple[Node, ...]]] = [(root, ())]
    while pending:
        node, before = pending.pop()
        if node.number in told:
            continue
        told.add(node.number)
        chain = (*before, node)
        for reason in node.problems:
            yield _at(chain, reason)
        for step in node.steps:
            yield from _explain_step(node, step, chain)
            pending += [
                (each, chain)
                for each in reversed(step.inputs)
                if each is not None and each.height is None and each not in chain
            ]


def _explain_step(node: Node, step: Step, chain: tuple[Node, ...]) -> Iterator[Reason]:
    for reason in step.problems:
        yield _at(chain, _of_step(step, reason))
    for each in step.inputs:
        if each is not None and each in chain:
            message = "the chain comes back to an artifact that is in it"
            yield _at((*chain, each), denied(Code.LINEAGE_CYCLE, message))
    behind = step.height
    if behind is not None and node.depth is not None and behind > node.depth:
        rule = "the rule" if node.rule is None else node.rule.label
        message = f"{behind} generations are behind it; {rule} allows {node.depth}"
        yield _at(chain, denied(Code.LINEAGE_DEPTH, message))


def _of_step(step: Step, reason: Reason) -> Reason:
    return replace(reason, message=f"{reason.message} ({step.attestation.place})")


def _at(chain: tuple[Node, ...], reason: Reason) -> Reason:
    """Return *reason* with the chain to the artifact that it is about."""
    names = [cut(node.artifact.name) for node in chain]
    if len(names) > _FIRST_LINKS + _LAST_LINKS:
        names[_FIRST_LINKS:-_LAST_LINKS] = ["..."]
    last = chain[-1].artifact.binding.label
    return replace(reason, message=f"{' <- '.join(names)} ({last}): {reason.message}")


def inputs_of(root: Node) -> tuple[Artifact, ...]:
    """Return what *root* was made from, by those of its builds that hold."""
    found = {
        artifact
        for step in root.steps
        if root.height is not None and step_holds(root, step)
        for artifact in step.build.inputs
    }
    return tuple(sorted(found, key=lambda artifact: (artifact.name, repr(artifact))))


def finished(node: Node) -> LineageNode:
    """Return *node* as a value."""
    return LineageNode(
        artifact=node.artifact,
        generation=node.generation,
        rule=None if node.rule is None else node.rule.label,
        boundary=node.boundary,
        signers=node.signers,
        receipt=node.receipt,
        steps=tuple(_finished_step(node, step) for step in node.steps),
        standing=Standing.BROKEN if node.height is None else Standing.HOLDS,
        problems=tuple(reason.message for reason in node.problems),
    )


def _finished_step(node: Node, step: Step) -> LineageStep:
    return LineageStep(
        place=step.attestation.place,
        sha256=step.attestation.sha256,
        trust=step.attestation.trust,
        signer=step.attestation.signer.label,
        build=step.build,
        inputs=tuple(None if each is None else each.number for each in step.inputs),
        standing=Standing.HOLDS if step_holds(node, step) else Standing.BROKEN,
        problems=tuple(reason.message for reason in step.problems),
    )
