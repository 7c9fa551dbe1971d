"""Properties of the walk through a lineage, over made-up graphs of artifacts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from support.lineages import (
    LINEAGE,
    PROVENANCE,
    RECEIPT,
    UNSIGNED,
    artifact_of,
    attested,
    build_of,
    built,
    by_signer,
    policy_of,
    receipt_for,
    signed,
)
from support.policies import NOW
from weighbridge.core.attestation import Artifact, Attestation, Build, SignedFiles, Summary
from weighbridge.core.lineage import Standing
from weighbridge.policy.controls.ancestry import Ancestors, Descent, trace

DEPTH = 3
POLICY = policy_of(
    ("models/**", UNSIGNED, PROVENANCE, LINEAGE, f"receipt = {{ {RECEIPT} }}"),
    ("base/**", 'signature = { any-of = ["hsm", "spare"] }'),
    ("data/**", UNSIGNED),
)
ROOT = artifact_of("models/0")
ARTIFACTS = [
    *(artifact_of(f"models/{number}") for number in range(4)),
    artifact_of("base/0"),
    artifact_of("base/1", content="base/0"),
    artifact_of("data/0"),
    artifact_of("nowhere/0"),
]

CLAIMS = st.lists(
    st.one_of(
        st.builds(
            lambda output, inputs, trust: attested(output, build_of(*inputs), trust=trust),
            st.sampled_from(ARTIFACTS[:4]),
            st.lists(st.sampled_from(ARTIFACTS), max_size=3, unique=True),
            st.sampled_from(["runner", "runner", "runner", "spare"]),
        ),
        st.builds(
            lambda each, trust: signed(each, trust=trust),
            st.sampled_from(ARTIFACTS),
            st.sampled_from(["hsm", "spare", "runner"]),
        ),
        st.builds(
            lambda each, passed: receipt_for(each, passed=passed),
            st.sampled_from(ARTIFACTS[1:4]),
            st.booleans(),
        ),
    ),
    max_size=14,
)


def ancestors_of(claims: list[Attestation]) -> Ancestors:
    """Return the lineage of the first model."""
    attestations = tuple(claims)
    judge = by_signer(attestations)
    rule = POLICY.rules[0]
    descent = Descent(
        policy=POLICY,
        rule=rule,
        boundary="deploy",
        artifact=ROOT,
        bindings=frozenset({ROOT.binding}),
        builds=judge(rule, ROOT.binding),
        attestations=attestations,
        now=NOW,
    )
    return trace(descent, judge=judge)


def height_of(artifact: Artifact, claims: list[Attestation], *, left: int = DEPTH) -> int | None:
    """
    Return how many generations are behind *artifact*, by the definition; None if it does not hold.

    Written down plainly: each rule of `POLICY` by its name's first word, no more than *left*
    generations, which also ends every cycle.
    """
    about = [each for each in claims if each.is_about(artifact.binding)]
    kind = artifact.name.split("/", maxsplit=1)[0]
    if kind == "base":
        return (
            0
            if any(
                isinstance(each.content, SignedFiles) and each.trust in {"hsm", "spare"}
                for each in about
            )
            else None
        )
    if kind != "models":
        return 0 if kind == "data" else None
    builds = [each for each in about if isinstance(each.content, Build) and each.trust == "runner"]
    receipts = [e for e in about if isinstance(e.content, Summary) and e.content.passed]
    if builds and receipts and artifact != ROOT:
        return 0
    heights = []
    for each in builds:
        inputs = each.content.inputs if isinstance(each.content, Build) else ()
        if left and inputs and all(one.binding != artifact.binding for one in inputs):
            behind = [height_of(one, claims, left=left - 1) for one in inputs]
            known = [height for height in behind if height is not None]
            if len(known) == len(behind):
                heights.append(1 + max(known))
    return min(heights, default=None)


@given(claims=CLAIMS)
@settings(max_examples=300)
def test_is_the_definition(claims: list[Attestation]) -> None:
    """A lineage holds if and only if it does by the definition, and one that does not says why."""
    found = ancestors_of(claims)
    holds = height_of(ROOT, claims) is not None
    assert (found.reasons == ()) is holds
    assert found.lineage.first.standing is (Standing.HOLDS if holds else Standing.BROKEN)
    assert bool(found.inputs) is holds
    assert all(reason.blocking for reason in found.reasons)
    assert all(reason.message.startswith("models/0") for reason in found.reasons)


@given(claims=CLAIMS, more=CLAIMS)
def test_more_claims_break_nothing(claims: list[Attestation], more: list[Attestation]) -> None:
    """A lineage that holds does so with further claims; one that does not holds with no fewer."""
    if ancestors_of(claims).reasons == ():
        assert ancestors_of([*claims, *more]).reasons == ()


@given(claims=CLAIMS, data=st.data())
def test_order_and_repetition_change_nothing(
    claims: list[Attestation], data: st.DataObject
) -> None:
    """The same claims in another order, some of them twice, give the same answer."""
    mixed = data.draw(st.permutations([*claims, *claims[:3]]))
    assert ancestors_of(mixed) == ancestors_of(claims)


@given(length=st.integers(1, 6))
def test_depth_is_exact(length: int) -> None:
    """A chain of builds holds if and only if it is no longer than the rule allows."""
    models = [artifact_of(f"models/{number}") for number in range(length)]
    ends = [*models[1:], ARTIFACTS[6]]
    claims = [built(child, parent) for child, parent in zip(models, ends, strict=True)]
    assert (ancestors_of(claims).reasons == ()) is (length <= DEPTH)
