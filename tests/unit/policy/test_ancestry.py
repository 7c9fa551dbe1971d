"""The walk through a lineage: what holds, and which link is broken where it does not."""

from dataclasses import replace

import pytest

from support.lineages import (
    HEAD,
    LINEAGE,
    PROVENANCE,
    RECEIPT,
    SIGNED,
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
from support.policies import NOW, certificate_identity
from weighbridge.core.attestation import Artifact, Attestation, Binding, Resource
from weighbridge.core.limits.policy import (
    LINEAGE_LINK_CHARS,
    MAX_LINEAGE_ARTIFACTS,
    MAX_LINEAGE_LINKS,
)
from weighbridge.core.lineage import Lineage, Standing
from weighbridge.core.verdict import Decision, Reason
from weighbridge.policy.controls.ancestry import (
    Ancestors,
    Descent,
    trace,
)
from weighbridge.policy.schema import Policy

TUNED = artifact_of("models/tuned")
QUANTIZED = artifact_of("models/q8")
BASE = artifact_of("base/bert")
DATA = artifact_of("data/texts")


USUAL = policy_of(
    ("models/**", UNSIGNED, PROVENANCE, LINEAGE),
    ("base/**", SIGNED),
    ("data/**", UNSIGNED),
)
"""Models are built from signed bases, and from data about which nothing is asked."""

COMPLETE = (built(QUANTIZED, TUNED), built(TUNED, BASE, DATA), signed(BASE))
"""The claims of a model two steps away from its base."""


def ancestors_of(
    artifact: Artifact,
    *attestations: Attestation,
    policy: Policy = USUAL,
    rule: int = 0,
    bases: tuple[str, ...] = (),
) -> Ancestors:
    """Return the lineage of *artifact* under a rule of *policy*."""
    judge = by_signer(attestations)
    chosen = policy.rules[rule]
    descent = Descent(
        policy=policy,
        rule=chosen,
        boundary="deploy",
        artifact=artifact,
        bindings=frozenset({artifact.binding}),
        builds=judge(chosen, artifact.binding),
        attestations=attestations,
        bases=bases,
        now=NOW,
    )
    return trace(descent, judge=judge)


def only(reasons: tuple[Reason, ...]) -> tuple[str, str]:
    """Return the code and the message of the only reason, which denies."""
    (reason,) = reasons
    assert reason.decision is Decision.DENY
    return reason.code, reason.message


def standings(lineage: Lineage) -> dict[str, Standing]:
    """Return what each artifact of *lineage* is worth, by its name."""
    return {node.artifact.name: node.standing for node in lineage.nodes}


def test_whole_chain() -> None:
    """A chain of counted builds down to signed artifacts holds, and says who signed them."""
    found = ancestors_of(QUANTIZED, *COMPLETE)
    assert found.reasons == ()
    assert found.inputs == (TUNED,)
    assert set(standings(found.lineage).values()) == {Standing.HOLDS}
    base = next(node for node in found.lineage.nodes if node.artifact == BASE)
    assert (base.signers, base.generation, base.rule) == (("hsm",), 2, "rule 2 (base/**)")
    first = found.lineage.first
    assert (first.artifact, first.generation) == (QUANTIZED, 0)
    (step,) = first.steps
    assert [found.lineage.nodes[i or 0].artifact for i in step.inputs] == [TUNED]
    assert (step.trust, step.standing) == ("runner", Standing.HOLDS)


@pytest.mark.parametrize("missing", range(len(COMPLETE)))
def test_each_claim_is_needed(missing: int) -> None:
    """A chain without any one of its claims is denied."""
    kept = tuple(each for place, each in enumerate(COMPLETE) if place != missing)
    found = ancestors_of(QUANTIZED, *kept)
    assert found.reasons
    assert found.inputs == ()
    assert found.lineage.first.standing is Standing.BROKEN


def test_names_the_broken_link() -> None:
    """The reason names the chain from the artifact to what is missing, and the digest of that."""
    found = ancestors_of(QUANTIZED, *COMPLETE[:2])
    code, message = only(found.reasons)
    assert code == "lineage-signer"
    chain = f"models/q8 <- models/tuned <- base/bert ({BASE.binding.label}): "
    assert message == (
        f"{chain}by the claims 0 of 1 trusted signer signed it; "
        "accepted by rule 2 (base/**) are hsm"
    )
    assert standings(found.lineage) == {
        "models/q8": Standing.BROKEN,
        "models/tuned": Standing.BROKEN,
        "base/bert": Standing.BROKEN,
        "data/texts": Standing.HOLDS,
    }


def test_signature_of_somebody_else() -> None:
    """A signature by a trusted signer whom the input's rule does not list does not count."""
    found = ancestors_of(QUANTIZED, *COMPLETE[:2], signed(BASE, trust="spare"))
    assert only(found.reasons)[0] == "lineage-signer"


def test_signature_of_another_kind() -> None:
    """An identity that is not of the trust entry's kind does not count."""
    odd = replace(COMPLETE[2], signer=certificate_identity())
    assert only(ancestors_of(QUANTIZED, *COMPLETE[:2], odd).reasons)[0] == "lineage-signer"


@pytest.mark.parametrize("part", ["root", "names"])
def test_both_digests_bind(part: str) -> None:
    """A signature over an artifact that has one of the two digests in common is of another one."""
    other = artifact_of("another").binding
    forged = Binding(
        root=other.root if part == "root" else BASE.binding.root,
        names=other.names if part == "names" else BASE.binding.names,
    )
    twin = signed(replace(BASE, binding=forged))
    assert only(ancestors_of(QUANTIZED, *COMPLETE[:2], twin).reasons)[0] == "lineage-signer"


def test_threshold() -> None:
    """An input whose rule asks for two signers needs two, and one key counts once."""
    policy = policy_of(
        ("models/**", UNSIGNED, PROVENANCE, LINEAGE),
        ("base/**", 'signature = { any-of = ["hsm", "spare"], threshold = 2 }'),
    )
    claims = (built(TUNED, BASE), signed(BASE), signed(BASE, line=2))
    assert only(ancestors_of(TUNED, *claims, policy=policy).reasons)[1].endswith(
        "1 of 2 trusted signers signed it; accepted by rule 2 (base/**) are hsm, spare"
    )
    both = (*claims, signed(BASE, trust="spare"))
    assert ancestors_of(TUNED, *both, policy=policy).reasons == ()
    twice = (*claims, replace(signed(BASE, trust="spare"), signer=signed(BASE).signer))
    assert ancestors_of(TUNED, *twice, policy=policy).reasons


def test_no_build() -> None:
    """Where no build of the artifact counts, nobody says what it was made from."""
    code, message = only(ancestors_of(QUANTIZED, *COMPLETE[1:]).reasons)
    assert (code, message.split(" (")[0]) == ("lineage-missing", "models/q8")


def test_provenance_of_an_input() -> None:
    """What is wrong with the provenance of an input is a reason, with the chain."""
    found = ancestors_of(QUANTIZED, COMPLETE[0], COMPLETE[2])
    code, message = only(found.reasons)
    assert code == "signer-threshold"
    assert message.startswith("models/q8 <- models/tuned (sha256:")
    assert message.endswith("): nobody says how it was built")


def test_no_inputs() -> None:
    """A build that names no input is no lineage: the artifact comes from nowhere."""
    code, message = only(ancestors_of(QUANTIZED, built(QUANTIZED)).reasons)
    assert code == "lineage-no-inputs"
    assert message.endswith("made from (model.claims.jsonl:1)")


@pytest.mark.parametrize("name", ["elsewhere/bert", "base/../models/x", "BASE/bert", "base/"])
def test_no_rule(name: str) -> None:
    """An input whose name no rule matches, or that has no usable name, is denied."""
    parent = artifact_of(name, content="bert")
    found = ancestors_of(TUNED, built(TUNED, parent), signed(parent))
    code, message = only(found.reasons)
    assert code == "lineage-no-rule"
    assert message.startswith(f"models/tuned <- {name} (")


def test_every_input_counts() -> None:
    """One good input does not make up for a bad one."""
    stray = artifact_of("elsewhere/bert")
    found = ancestors_of(TUNED, built(TUNED, BASE, stray), signed(BASE), signed(stray))
    assert only(found.reasons)[0] == "lineage-no-rule"


def test_one_build_is_enough() -> None:
    """A further build that does not hold changes nothing about one that does."""
    stray = artifact_of("elsewhere/bert")
    bad = attested(TUNED, build_of(stray, run="2"), trust="runner", line=9)
    found = ancestors_of(TUNED, built(TUNED, BASE), signed(BASE), bad)
    assert found.reasons == ()
    assert found.inputs == (BASE,)
    steps = {step.place: step.standing for step in found.lineage.first.steps}
    assert steps == {
        "model.claims.jsonl:1": Standing.HOLDS,
        "model.claims.jsonl:9": Standing.BROKEN,
    }


def test_two_bad_builds() -> None:
    """Where no build holds, what is wrong with each of them is said."""
    one, two = artifact_of("elsewhere/one"), artifact_of("elsewhere/two")
    found = ancestors_of(TUNED, built(TUNED, one), built(TUNED, two, line=2))
    assert sorted(reason.message.split(" (")[0] for reason in found.reasons) == [
        "models/tuned <- elsewhere/one",
        "models/tuned <- elsewhere/two",
    ]


def chain_of(length: int) -> tuple[Attestation, ...]:
    """Return the claims of models/0, which is *length* builds away from its signed base."""
    models = [artifact_of(f"models/{number}") for number in range(length)]
    pairs = zip(models, [*models[1:], BASE], strict=True)
    return (*(built(child, parent) for child, parent in pairs), signed(BASE))


def test_depth() -> None:
    """As many generations as the rule allows hold, and one more does not."""
    first = artifact_of("models/0")
    found = ancestors_of(first, *chain_of(3))
    assert (found.reasons, found.inputs) == ((), (artifact_of("models/1"),))
    assert found.lineage.first.steps[0].standing is Standing.HOLDS
    code, message = only(ancestors_of(first, *chain_of(4)).reasons)
    assert code == "lineage-depth"
    assert message.endswith("4 generations are behind it; rule 1 (models/**) allows 3")


def test_deepest_input_counts() -> None:
    """An input right from the base does not make up for one that comes from too far away."""
    first = artifact_of("models/0")
    length = 4
    claims = [each for each in chain_of(length) if not each.is_about(first.binding)]
    far = artifact_of("models/1")
    assert ancestors_of(far, *claims).reasons == ()
    for inputs in ((far, BASE), (BASE, far)):
        code, message = only(ancestors_of(first, built(first, *inputs), *claims).reasons)
        assert code == "lineage-depth"
        assert "4 generations" in message


def test_depth_is_not_blamed_for_something_else() -> None:
    """Where a model is refused for itself, a chain that is just short enough is no reason."""
    policy = policy_of(
        ("models/q8", UNSIGNED, PROVENANCE, LINEAGE),
        ("models/**", SIGNED, PROVENANCE, LINEAGE.replace("3", "1")),
        ("base/**", UNSIGNED),
    )
    claims = (built(QUANTIZED, TUNED), built(TUNED, BASE))
    code, message = only(ancestors_of(QUANTIZED, *claims, policy=policy).reasons)
    assert (code, "models/tuned" in message) == ("lineage-signer", True)


def test_depth_of_an_input() -> None:
    """An input's own rule bounds what may be behind it, whatever the artifact's rule allows."""
    policy = policy_of(
        ("models/0", UNSIGNED, PROVENANCE, LINEAGE),
        ("models/**", UNSIGNED, PROVENANCE, LINEAGE.replace("3", "1")),
        ("base/**", SIGNED),
    )
    first = artifact_of("models/0")
    assert ancestors_of(first, *chain_of(2), policy=policy).reasons == ()
    code, message = only(ancestors_of(first, *chain_of(3), policy=policy).reasons)
    assert code == "lineage-depth"
    assert message.startswith("models/0 <- models/1 (")


def test_rule_without_lineage_ends_the_chain() -> None:
    """Nothing is asked behind an input whose rule has no lineage."""
    policy = policy_of(("models/q8", UNSIGNED, PROVENANCE, LINEAGE), ("models/**", SIGNED))
    found = ancestors_of(QUANTIZED, built(QUANTIZED, TUNED), signed(TUNED), policy=policy)
    assert found.reasons == ()
    assert [node.artifact for node in found.lineage.nodes] == [QUANTIZED, TUNED]


def test_boundary_of_inputs() -> None:
    """Inputs are judged by the rules of the boundary that the rule names, and theirs as well."""
    rules = (
        f"[[rule]]\nmatch = ['models/**']\nboundary = ['deploy']\n{UNSIGNED}\n{PROVENANCE}\n"
        "lineage = { inputs = 'must-match-a-rule', depth = 3, boundary = 'origin' }\n"
        f"[[rule]]\nmatch = ['models/**']\nboundary = ['origin']\n{UNSIGNED}\n{PROVENANCE}\n"
        "lineage = { inputs = 'must-match-a-rule', depth = 2 }\n"
        f"[[rule]]\nmatch = ['base/**', 'data/**']\nboundary = ['BOUNDARY']\n{SIGNED}\n"
    )
    claims = (*COMPLETE, signed(DATA))
    for boundary, holds in (("origin", True), ("deploy", False)):
        text = HEAD + rules.replace("BOUNDARY", boundary)
        policy = Policy.from_toml(text.encode(), path=None)
        assert (ancestors_of(QUANTIZED, *claims, policy=policy).reasons == ()) is holds


def test_cycle() -> None:
    """Two artifacts that are each made from the other are established by nobody."""
    found = ancestors_of(QUANTIZED, built(QUANTIZED, TUNED), built(TUNED, QUANTIZED))
    code, message = only(found.reasons)
    assert code == "lineage-cycle"
    assert "models/q8 <- models/tuned <- models/q8 <- models/tuned (sha256:" in message


def test_way_out_of_a_cycle() -> None:
    """A cycle next to a build that holds changes nothing."""
    found = ancestors_of(QUANTIZED, *COMPLETE, built(TUNED, QUANTIZED, line=7))
    assert found.reasons == ()


@pytest.mark.parametrize("name", ["models/q8", "base/bert", "data/anything"])
def test_made_from_itself(name: str) -> None:
    """An artifact that is made from itself is denied, whatever the build calls it."""
    same = replace(QUANTIZED, name=name)
    for others in ((), (DATA,)):
        found = ancestors_of(QUANTIZED, built(QUANTIZED, same, *others), signed(same))
        assert "lineage-cycle" in {reason.code for reason in found.reasons}


def test_too_many_artifacts() -> None:
    """A lineage of more artifacts than are looked at is denied."""
    data = tuple(artifact_of(f"data/{number}") for number in range(MAX_LINEAGE_ARTIFACTS))
    found = ancestors_of(TUNED, built(TUNED, *data))
    assert only(found.reasons)[0] == "limit-exceeded"
    assert len(found.lineage.nodes) == MAX_LINEAGE_ARTIFACTS
    (step,) = found.lineage.first.steps
    assert step.inputs.count(None) == 1
    fewer = built(TUNED, *data[:-1])
    assert ancestors_of(TUNED, fewer).reasons == ()


def test_too_many_links() -> None:
    """A few artifacts of which each is said to be made of all are too many builds and inputs."""
    every = tuple(artifact_of(f"models/{number}") for number in range(200))
    claim = replace(built(TUNED, *every), artifacts=(TUNED, *every))
    found = ancestors_of(TUNED, claim)
    assert "limit-exceeded" in {reason.code for reason in found.reasons}
    assert sum(len(node.steps) for node in found.lineage.nodes) == MAX_LINEAGE_LINKS // 201


def test_long_parameters_count() -> None:
    """A build of absurdly long parameters is beyond the bound, and one just below it is not."""
    text = "y" * (LINEAGE_LINK_CHARS * (MAX_LINEAGE_LINKS - 1) - 2)
    for value, allowed in ((text, True), (f"{text}y", False)):
        build = build_of(BASE, parameters=[("x", value)])
        found = ancestors_of(TUNED, attested(TUNED, build, trust="runner"), signed(BASE))
        assert [reason.code for reason in found.reasons] == ([] if allowed else ["limit-exceeded"])


def test_shared_ancestors_are_looked_at_once() -> None:
    """A lineage with 2 to the power of 60 ways to the base is walked all the same."""
    rows = [(artifact_of(f"models/a{n}"), artifact_of(f"models/b{n}")) for n in range(60)]
    claims = [built(each, *rows[n + 1]) for n, row in enumerate(rows[:-1]) for each in row]
    claims += [built(each, BASE) for each in rows[-1]]
    policy = policy_of(
        ("models/**", UNSIGNED, PROVENANCE, LINEAGE.replace("3", "60")), ("base/**", SIGNED)
    )
    found = ancestors_of(rows[0][0], *claims, signed(BASE), policy=policy)
    assert found.reasons == ()
    assert len(found.lineage.nodes) == 1 + 2 * 59 + 1
    broken = ancestors_of(rows[0][0], *claims, policy=policy)
    code, message = only(broken.reasons)
    assert code == "lineage-signer"
    assert " <- ... <- " in message
    assert len(message) < 1000


class TestReceipts:
    """A receipt about an input stands for what is behind it, and for nothing else."""

    POLICY = policy_of(
        ("models/q8", UNSIGNED, PROVENANCE, LINEAGE),
        ("models/**", SIGNED, PROVENANCE, LINEAGE, f"receipt = {{ {RECEIPT} }}"),
        ("base/**", SIGNED),
    )
    CLAIMS = (built(QUANTIZED, TUNED), built(TUNED, BASE), signed(TUNED))

    def test_cuts_the_walk(self) -> None:
        """With a receipt nothing behind the input is asked for."""
        found = ancestors_of(QUANTIZED, *self.CLAIMS, receipt_for(TUNED), policy=self.POLICY)
        assert found.reasons == ()
        assert [node.receipt for node in found.lineage.nodes] == [None, "model.claims.jsonl:1"]
        without = ancestors_of(QUANTIZED, *self.CLAIMS, policy=self.POLICY)
        assert only(without.reasons)[0] == "lineage-signer"

    @pytest.mark.parametrize("missing", [1, 2])
    def test_replaces_nothing_else(self, missing: int) -> None:
        """Signature and provenance of the input are asked for with a receipt as well."""
        kept = [each for place, each in enumerate(self.CLAIMS) if place != missing]
        found = ancestors_of(QUANTIZED, *kept, receipt_for(TUNED), policy=self.POLICY)
        assert found.reasons

    def test_of_another_artifact(self) -> None:
        """A receipt about another artifact of the lineage is none about the input."""
        claims = (*self.CLAIMS, receipt_for(BASE), receipt_for(QUANTIZED))
        assert only(ancestors_of(QUANTIZED, *claims, policy=self.POLICY).reasons)

    def test_demanded(self) -> None:
        """An input whose rule demands a receipt is denied without one, and says why."""
        policy = policy_of(
            ("models/**", UNSIGNED, PROVENANCE, LINEAGE),
            ("base/**", UNSIGNED, f"receipt = {{ {RECEIPT}, required = true }}"),
        )
        claims = (built(TUNED, BASE), receipt_for(BASE, passed=False))
        code, message = only(ancestors_of(TUNED, *claims, policy=policy).reasons)
        assert code == "receipt-missing"
        assert message.endswith("model.claims.jsonl:1: the verdict was not to pass")
        good = (built(TUNED, BASE), receipt_for(BASE))
        assert ancestors_of(TUNED, *good, policy=policy).reasons == ()


class TestInputs:
    """What a build says of its inputs has to be what the rule and the files ask for."""

    POLICY = policy_of(
        (
            "models/**",
            UNSIGNED,
            PROVENANCE,
            LINEAGE.replace(" }", ', from = ["base/*", "data/**"] }'),
        ),
        ("**", UNSIGNED),
    )

    def test_named_parents(self) -> None:
        """Each pattern of `from` has to match an input; further inputs are judged by their rules."""
        stray = artifact_of("other/x")
        found = ancestors_of(TUNED, built(TUNED, BASE, DATA, stray), policy=self.POLICY)
        assert found.reasons == ()
        code, message = only(ancestors_of(TUNED, built(TUNED, BASE), policy=self.POLICY).reasons)
        assert code == "lineage-parent"
        assert "none of the inputs of its build is data/**; there are base/bert" in message

    @pytest.mark.parametrize("claim", ["base/bert", "bert", "acme/bert", "hf://acme/bert@main"])
    def test_base_of_an_adapter(self, claim: str) -> None:
        """What an adapter calls its base has to be the name or the place of an input."""
        base = artifact_of("base/bert", uri="hf://acme/bert@main")
        claims = (built(TUNED, base, DATA), signed(base))
        assert ancestors_of(TUNED, *claims, bases=(claim,)).reasons == ()

    @pytest.mark.parametrize("claim", ["other/bert", "ert", "base", "acme", "bert@main", "/bert"])
    def test_other_base_of_an_adapter(self, claim: str) -> None:
        """Any other name is denied, with both."""
        base = artifact_of("base/bert", uri="hf://acme/bert@main")
        claims = (built(TUNED, base, DATA), signed(base))
        code, message = only(ancestors_of(TUNED, *claims, bases=(claim,)).reasons)
        assert code == "lineage-base"
        assert f"calls its base {claim}" in message

    def test_bases_are_the_first_artifacts(self) -> None:
        """Inputs are not held against what the artifact's files say."""
        found = ancestors_of(QUANTIZED, *COMPLETE, bases=("models/tuned",))
        assert found.reasons == ()

    @pytest.mark.parametrize(
        ("resource", "allowed"),
        [
            (Resource(uri="pkg:pypi/numpy@2.1", digests=(("sha256", "a"),)), True),
            (Resource(uri="pkg:deb/debian/git@2", digests=(("sha256", "a"),)), True),
            (Resource(uri="git+https://example.org/bert", digests=(("gitCommit", "a"),)), False),
            (Resource(uri="pkg:generic/bert@1", digests=(("sha256", "a"),)), False),
            (Resource(uri="file:///home/a/poison.bin", digests=(("sha256", "a"),)), False),
            (Resource(uri="docker://image", digests=(("sha256", "a"),)), True),
            (Resource(name="a word"), False),
            (Resource(name="model", digests=(("sha256", "a"),)), False),
            (Resource(uri="hf://acme/bert"), False),
            (Resource(uri="pkg:huggingface/acme/bert", digests=(("sha256", "a"),)), False),
            (Resource(uri="oci://registry.example/model"), False),
        ],
        ids=lambda value: str(getattr(value, "uri", value)),
    )
    def test_single_digests(self, resource: Resource, allowed: bool) -> None:
        """What could be a model and is not bound by two digests is denied."""
        claim = attested(TUNED, build_of(BASE, others=[resource]), trust="runner")
        found = ancestors_of(TUNED, claim, signed(BASE))
        if allowed:
            assert found.reasons == ()
            return
        assert only(found.reasons)[0] == "lineage-unbound"


def test_no_lineage_asked() -> None:
    """Under a rule without lineage the artifact stands alone."""
    found = ancestors_of(
        BASE,
        *COMPLETE,
        rule=1,
        policy=policy_of(("x", UNSIGNED), ("base/**", UNSIGNED, PROVENANCE)),
    )
    assert found.reasons == ()
    assert found.lineage.first.steps == ()
