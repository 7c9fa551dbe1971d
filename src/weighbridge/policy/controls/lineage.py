"""Control `lineage`: what the artifact was made from, and from what that was made."""

from weighbridge.core.attestation import Artifact, Attestation, Binding, Build
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest
from weighbridge.core.lineage import Lineage, LineageNode, LineageStep, Standing
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.ancestry import BuildJudgement, Descent, trace
from weighbridge.policy.controls.interface import Submission
from weighbridge.policy.controls.provenance import BuildSubject, ProvenanceAssessment, assess
from weighbridge.policy.controls.signed_files import listed_files
from weighbridge.policy.reasons import undecided
from weighbridge.policy.rule import Rule


@frozen
class LineageAssessment:
    """
    What the lineage amounts to under the rule.

    Attributes:
        reasons: What is missing; empty where the lineage holds, or none is demanded.
        lineage: The graph; None where none is demanded or the artifact has no digests.
    """

    reasons: tuple[Reason, ...] = ()
    lineage: Lineage | None = None


def assess_submission(submission: Submission, origin: ProvenanceAssessment) -> LineageAssessment:
    """
    Judge what the artifact of *submission* was made from.

    A receipt that counts stands for all of it.

    Args:
        submission: The artifact, the rule and the evidence.
        origin: What its own builds amount to; the lineage starts from those that count.
    """
    rule = submission.rule
    if rule.lineage is None:
        return LineageAssessment()
    bindings = tuple(naming.binding for naming in submission.bindings)
    if not bindings:
        message = "the digests of the artifact are not known, so nobody knows its lineage"
        return LineageAssessment(reasons=(undecided(Code.EVIDENCE_INCOMPLETE, message),))
    artifact = Artifact(name=_name(submission), binding=_named(bindings, origin))
    if submission.receipt is not None:
        place = submission.receipt.place
        return LineageAssessment(lineage=_cut_short(submission, artifact, origin, place=place))
    attestations = submission.attestations
    near = _Near(attestations)

    def judge(of: Rule, binding: Binding) -> BuildJudgement:
        """Judge the builds of an input; its files are those that its signature lists."""
        files = listed_files(attestations, binding)
        subject = BuildSubject(bindings=frozenset({binding}), files=files)
        judged = assess(submission.policy, of.provenance, subject, near.to(binding))
        return BuildJudgement(reasons=judged.reasons, builds=judged.builds)

    ancestors = trace(
        Descent(
            policy=submission.policy,
            rule=rule,
            boundary=submission.boundary,
            artifact=artifact,
            bindings=frozenset(bindings),
            builds=BuildJudgement(reasons=origin.reasons, builds=origin.builds),
            attestations=attestations,
            bases=tuple(base.name for base in submission.bases if base.name),
            now=submission.now,
        ),
        judge=judge,
    )
    return LineageAssessment(
        reasons=(*ancestors.reasons, *_nameless(submission)), lineage=ancestors.lineage
    )


class _Near:
    """
    The statements that can matter to one artifact or another.

    Those about the same content under other names do not count, and are worth a reason.
    """

    def __init__(self, attestations: tuple[Attestation, ...]) -> None:
        self._of_files = tuple(each for each in attestations if each.files)
        self._by_root: dict[Digest, list[Attestation]] = {}
        for each in attestations:
            if not each.files:
                for root in {artifact.binding.root for artifact in each.artifacts}:
                    self._by_root.setdefault(root, []).append(each)

    def to(self, binding: Binding) -> tuple[Attestation, ...]:
        """Return those that can matter to the artifact *binding*."""
        return (*self._by_root.get(binding.root, ()), *self._of_files)


def _nameless(submission: Submission) -> tuple[Reason, ...]:
    """Return reasons for adapters of which nobody knows what base they are for."""
    return tuple(
        undecided(
            Code.LINEAGE_BASE, f"the adapter's base is not known: {base.problem}", path=base.path
        )
        for base in submission.bases
        if not base.name
    )


def _named(bindings: tuple[Binding, ...], origin: ProvenanceAssessment) -> Binding:
    """Return the digests by which the builds that count name the artifact."""
    for binding in bindings:
        if any(build.is_about(binding) for build in origin.builds):
            return binding
    return bindings[0]


def _name(submission: Submission) -> str:
    return "the artifact" if submission.inventory is None else submission.inventory.name


def _cut_short(
    submission: Submission, artifact: Artifact, origin: ProvenanceAssessment, *, place: str
) -> Lineage:
    """Return the artifact with its builds that count; the receipt stands for what is behind."""
    steps: list[LineageStep] = []
    inputs: dict[Artifact, int] = {}
    for attestation in sorted(origin.builds, key=lambda each: (each.sha256, each.trust)):
        build = attestation.content
        if isinstance(build, Build):
            numbers = [inputs.setdefault(each, 1 + len(inputs)) for each in build.inputs]
            steps.append(
                LineageStep(
                    place=attestation.place,
                    sha256=attestation.sha256,
                    trust=attestation.trust,
                    signer=attestation.signer.label,
                    build=build,
                    inputs=tuple(numbers),
                    standing=Standing.HOLDS,
                )
            )
    first = LineageNode(
        artifact=artifact,
        generation=0,
        rule=submission.rule.label,
        boundary=submission.boundary,
        receipt=place,
        steps=tuple(steps),
        standing=Standing.HOLDS,
    )
    behind = (LineageNode(artifact=each, generation=1, standing=Standing.HOLDS) for each in inputs)
    return Lineage(nodes=(first, *behind))
