"""
The walk through a lineage: which builds, of which inputs, under which rules; pure.

1. From the artifact on, every input of every build that counts is an artifact with a rule of its
   own, found by the name by which that build calls it.
2. What that rule demands of signature, provenance, lineage and receipt is held against the
   claims. A receipt that counts, and a rule without lineage, end the chain.
3. Then the artifacts are established from the far end: one that needs nothing behind it first,
   next one with a build all of whose inputs are established, and so on. So a chain that comes
   back to itself never is, and the order of the claims has no effect.
4. One build that holds is enough; further ones neither help nor harm.
5. Where the artifact is not established, the chains to what is missing are the reasons.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from weighbridge.core.attestation import Artifact, Attestation, Binding, Build, SignedFiles
from weighbridge.core.codes import Code
from weighbridge.core.limits.policy import MAX_LINEAGE_ARTIFACTS, MAX_LINEAGE_LINKS
from weighbridge.core.lineage import BEYOND_LINKS, Lineage, weight
from weighbridge.core.signers import count_signers
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.ancestry_graph import (
    Node,
    Step,
    explain,
    finished,
    holds,
    inputs_of,
)
from weighbridge.policy.controls.inputs import build_problems, cut, listed
from weighbridge.policy.controls.receipt import find_receipt
from weighbridge.policy.controls.signature import is_of_entry
from weighbridge.policy.reasons import denied
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import reference_names, select_rule


@frozen
class BuildJudgement:
    """
    What the provenance of an artifact amounts to under a rule.

    Attributes:
        reasons: For and against.
        builds: The attestations whose build meets everything that the rule demands.
    """

    reasons: tuple[Reason, ...]
    builds: tuple[Attestation, ...]


BuildJudge = Callable[[Rule, Binding], BuildJudgement]
"""Judges the provenance of the artifact with the given digests under a rule."""


@frozen
class Ancestors:
    """
    What a lineage amounts to.

    Attributes:
        lineage: The graph, with the standing of every part.
        reasons: What is missing, by the chain that leads there; empty where the lineage holds.
        inputs: The inputs of the artifact's own builds that hold.
    """

    lineage: Lineage
    reasons: tuple[Reason, ...]
    inputs: tuple[Artifact, ...]


@frozen
class Descent:
    """
    Whose lineage is asked for, and on what the answer rests.

    Attributes:
        policy: The policy.
        rule: The rule that decides about the artifact.
        boundary: Where the policy is being applied.
        artifact: The artifact.
        bindings: Every pair of digests by which claims may name it.
        builds: What the provenance of the artifact amounts to under the rule.
        attestations: Verified statements about it and about others.
        bases: What the artifact's own files call the models that it is put on: claims.
        now: The clock of this run, with a time zone.
    """

    policy: Policy
    rule: Rule
    boundary: str
    artifact: Artifact
    bindings: frozenset[Binding]
    builds: BuildJudgement
    attestations: tuple[Attestation, ...]
    bases: tuple[str, ...] = ()
    now: datetime


def trace(descent: Descent, *, judge: BuildJudge) -> Ancestors:
    """
    Return the lineage of an artifact, and what is missing in it.

    Guarantees: the order of the attestations, and repeated ones, have no effect. Within the bounds,
    a further attestation never breaks a lineage that holds, and one fewer never mends one.

    Args:
        descent: Whose lineage, and on what it rests.
        judge: Judges the provenance of inputs.
    """
    walk = _Walk(descent, judge)
    walk.explore()
    walk.establish()
    root = walk.nodes[0]
    reasons = tuple(explain(root)) if root.height is None else ()
    if root.height is None and not any(reason.blocking for reason in reasons):
        # What is not established has a reason; that this one never speaks is a property.
        reasons = (denied(Code.LINEAGE_MISSING, "the lineage is not established"),)
    return Ancestors(
        lineage=Lineage(nodes=tuple(finished(node) for node in walk.nodes)),
        reasons=reasons,
        inputs=inputs_of(root),
    )


class _Walk:
    """The graph while it is being made."""

    def __init__(self, descent: Descent, judge: BuildJudge) -> None:
        self._descent = descent
        self._judge = judge
        self._about = _by_artifact(descent.attestations)
        self._links = 0
        self.nodes: list[Node] = []
        self._known: dict[tuple[str, Binding, str], Node] = {}

    def explore(self) -> None:
        """Find every artifact, and hold what its own rule demands of it against the claims."""
        descent = self._descent
        root = self._node(descent.artifact, boundary=descent.boundary, generation=0)
        root.rule = descent.rule
        self._begin_root(root)
        queue = deque([root])
        while queue:
            node = queue.popleft()
            for step in node.steps:
                for artifact in step.build.inputs:
                    queue.extend(self._follow(node, step, artifact))

    def establish(self) -> None:
        """Tell which artifacts hold, and how many generations are behind each."""
        waiting = list(self.nodes)
        generation = 0
        while waiting:
            # Only what was established before this round counts in it: a height is the least.
            found = [node for node in waiting if holds(node, generation)]
            if not found and generation > 0:
                return
            for node in found:
                node.height = generation
            waiting = [node for node in waiting if node.height is None]
            generation += 1

    def _follow(self, node: Node, step: Step, artifact: Artifact) -> Iterator[Node]:
        """Note an input of *step*; yield it where it was not known yet."""
        boundary = node.boundary
        if node.rule is not None and node.rule.lineage is not None:
            boundary = node.rule.lineage.boundary or node.boundary
        known = self._known.get((artifact.name, artifact.binding, boundary))
        if known is None and len(self.nodes) >= MAX_LINEAGE_ARTIFACTS:
            step.inputs.append(None)
            step.problems.append(
                denied(
                    Code.LIMIT_EXCEEDED,
                    f"more than {MAX_LINEAGE_ARTIFACTS} artifacts are in the lineage",
                )
            )
            return
        if known is None:
            known = self._node(artifact, boundary=boundary, generation=node.generation + 1)
            self._begin_input(known)
            yield known
        step.inputs.append(known)

    def _node(self, artifact: Artifact, *, boundary: str, generation: int) -> Node:
        node = Node(
            number=len(self.nodes),
            artifact=artifact,
            boundary=boundary,
            rule=None,
            generation=generation,
        )
        self.nodes.append(node)
        # The artifact itself is under the rule that was chosen for it, whatever its name is.
        if generation:
            self._known[artifact.name, artifact.binding, boundary] = node
        return node

    def _begin_root(self, root: Node) -> None:
        lineage = self._descent.rule.lineage
        root.depth = None if lineage is None else lineage.depth
        self._add_steps(root, self._descent.rule, self._descent.builds)
        if lineage is not None and not root.steps and not root.problems:
            root.problems.append(_nobody_says())

    def _begin_input(self, node: Node) -> None:
        """Judge an input by its own rule, as far as that needs none of its inputs."""
        policy = self._descent.policy
        names = reference_names(node.artifact.name)
        selection = select_rule(policy, names=names, boundary=node.boundary)
        rule = node.rule = selection.rule
        if rule is None:
            what = " or ".join(map(cut, names)) or "its name, which is no usable one"
            message = f"no rule matches {what} at the boundary {node.boundary}"
            node.problems.append(denied(Code.LINEAGE_NO_RULE, message))
            return
        about = self._about.get(node.artifact.binding, ())
        self._judge_signature(node, rule, about)
        judged = BuildJudgement(reasons=(), builds=())
        if rule.provenance.required:
            judged = self._judge(rule, node.artifact.binding)
            node.problems.extend(reason for reason in judged.reasons if reason.blocking)
        if rule.receipt is not None:
            self._judge_receipt(node, rule, about)
        if rule.lineage is None or node.receipt is not None:
            return
        node.depth = rule.lineage.depth
        self._add_steps(node, rule, judged)
        if not node.steps and not node.problems:
            node.problems.append(_nobody_says())

    def _add_steps(self, node: Node, rule: Rule, judged: BuildJudgement) -> None:
        if rule.lineage is None:
            return
        first = node.generation == 0
        bases = self._descent.bases if first else ()
        bindings = self._descent.bindings if first else frozenset({node.artifact.binding})
        ordered = sorted(judged.builds, key=lambda each: (each.sha256, each.trust), reverse=True)
        unique = {attestation.sha256: attestation for attestation in ordered}
        for _, attestation in sorted(unique.items()):
            build = attestation.content
            if isinstance(build, Build):
                self._links += weight(build)
                if self._links > MAX_LINEAGE_LINKS:
                    node.problems.append(denied(Code.LIMIT_EXCEEDED, BEYOND_LINKS))
                    return
                problems = build_problems(build, of=bindings, lineage=rule.lineage, bases=bases)
                node.steps.append(Step(attestation, build, problems=list(problems)))

    def _judge_signature(self, node: Node, rule: Rule, about: tuple[Attestation, ...]) -> None:
        """Hold the rule's signature control against the signatures that claims carry along."""
        control = rule.signature
        if not control.required:
            return
        policy = self._descent.policy
        signed = [
            (item.trust, item.signer)
            for item in about
            if isinstance(item.content, SignedFiles)
            and item.trust in control.any_of
            and is_of_entry(policy.trust_entry(item.trust), item.signer)
        ]
        node.signers = tuple(sorted({trust for trust, _ in signed}))
        have = count_signers(signed)
        if have < control.threshold:
            node.problems.append(
                denied(
                    Code.LINEAGE_SIGNER,
                    f"by the claims {have} of {control.threshold} trusted "
                    f"signer{'s' if control.threshold > 1 else ''} signed it; accepted by "
                    f"{rule.label} are {', '.join(control.any_of)}",
                )
            )

    def _judge_receipt(self, node: Node, rule: Rule, about: tuple[Attestation, ...]) -> None:
        control = rule.receipt
        if control is None:
            return
        search = find_receipt(
            self._descent.policy,
            control,
            binding=node.artifact.binding,
            attestations=about,
            now=self._descent.now,
        )
        if search.accepted is not None:
            node.receipt = search.accepted.place
        elif control.required:
            message = f"no receipt of {control.issuer} counts, which {rule.label} demands"
            detail = f": {listed(search.refused)}" if search.refused else ""
            node.problems.append(denied(Code.RECEIPT_MISSING, message + detail))


def _by_artifact(
    attestations: Iterable[Attestation],
) -> Mapping[Binding, tuple[Attestation, ...]]:
    """Return the statements about each artifact, each once, in an order of their own."""
    found: dict[Binding, dict[tuple[str, str], Attestation]] = {}
    for attestation in attestations:
        for artifact in attestation.artifacts:
            mine = found.setdefault(artifact.binding, {})
            mine[attestation.sha256, attestation.trust] = attestation
    return {binding: tuple(mine[key] for key in sorted(mine)) for binding, mine in found.items()}


def _nobody_says() -> Reason:
    return denied(
        Code.LINEAGE_MISSING, "no build of it counts, so nobody says what it is made from"
    )
