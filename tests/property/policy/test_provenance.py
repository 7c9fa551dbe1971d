"""What holds of the control `provenance`, whatever the claims are."""

import hashlib
import json
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from support.lineages import artifact_of, attested, build_of
from support.policies import LOCAL, builder, key_identity, keyed, sha256
from weighbridge.core.attestation import (
    Artifact,
    Attestation,
    Binding,
    Build,
    Resource,
    SignedFiles,
    Source,
)
from weighbridge.core.build_types import COMMAND_BUILD_TYPE, CONVERT_BUILD_TYPE
from weighbridge.policy.controls.provenance import BuildSubject, assess
from weighbridge.policy.schema import Policy

TRUST = ("hsm", "runner", "laptop")
IDS = ("https://ci.example/runner", LOCAL, "https://ci.example/other")
HEAD = (
    keyed(*TRUST)
    + builder("runner", IDS[0], level=3)
    + builder("laptop", IDS[1], level=1)
    + '[[rule]]\nmatch = ["**"]\nboundary = ["*"]\nsignature = { required = false }\n'
)
OWN = Artifact(name="bert", binding=Binding(root=sha256(98), names=sha256(97)))
RENAMED = Artifact(name="bert", binding=Binding(root=sha256(98), names=sha256(96)))
FILES = (("a.json", "1" * 64), ("b.bin", "2" * 64))
SUBJECT = BuildSubject(bindings=frozenset({OWN.binding}), files=FILES)

CONTROLS = st.fixed_dictionaries(
    {"builder": st.sampled_from(['["runner"]', '["laptop"]', '["runner", "laptop"]'])},
    optional={
        "min-level": st.just("1"),
        "source": st.sampled_from(['"git+https://a/b@main"', '"git+https://a/b@**"']),
        "build-type": st.just(f'["{CONVERT_BUILD_TYPE}"]'),
        "parameters": st.sampled_from(
            ['{ lr = "1" }', '{ lr = "**" }', '{ lr = "*", command = ["python", "**"] }']
        ),
    },
)
SOURCES = st.builds(
    Source,
    uri=st.sampled_from(["git+https://a/b", "git+https://a/c"]),
    ref=st.sampled_from([None, "main", "evil"]),
    commit=st.sampled_from([None, "a" * 40]),
    clean=st.sampled_from([None, True, False]),
)
PARAMETERS = st.lists(
    st.sampled_from(
        [
            ("lr", '"1"'),
            ("lr", '"2"'),
            ("lr", "1"),
            ("seed", "3"),
            ("command", '["python","x"]'),
            ("command", '"python"'),
        ]
    ),
    max_size=2,
    unique_by=lambda pair: pair[0],
)
BUILDS = st.builds(
    lambda builder, build_type, parameters, source, kind: replace(
        build_of(builder=builder, build_type=build_type, parameters=parameters, source=source),
        predicate_type=kind,
    ),
    st.sampled_from(IDS),
    st.sampled_from([COMMAND_BUILD_TYPE, CONVERT_BUILD_TYPE, "urn:unknown"]),
    PARAMETERS,
    st.one_of(st.none(), SOURCES),
    st.sampled_from(["https://slsa.dev/provenance/v1", "https://in-toto.io/attestation/link/v0.3"]),
)
LISTED = st.lists(
    st.sampled_from([*FILES, ("a.json", "3" * 64), ("dist/a.json", "1" * 64)]), max_size=3
)


def attestation(
    artifact: Artifact, build: Build, trust: str, files: list[tuple[str, str]]
) -> Attestation:
    """Return the word of *trust*, about an artifact or about single files."""
    made = attested(artifact, build, trust=trust, identity=key_identity(TRUST.index(trust) + 1))
    if not files:
        return made
    resources = tuple(Resource(name=n, digests=(("sha256", d),)) for n, d in files)
    digest = hashlib.sha256(repr((made.sha256, files)).encode()).hexdigest()
    return replace(made, artifacts=(), files=resources, sha256=digest)


CLAIMS = st.lists(
    st.one_of(
        st.builds(
            attestation,
            st.sampled_from([OWN, OWN, RENAMED, artifact_of("other")]),
            BUILDS,
            st.sampled_from(TRUST),
            st.one_of(st.just([]), LISTED),
        ),
        st.builds(
            lambda trust: attested(
                OWN,
                SignedFiles(paths=("a",)),
                trust=trust,
                identity=key_identity(TRUST.index(trust) + 1),
            ),
            st.sampled_from(TRUST),
        ),
    ),
    max_size=5,
)


def policy_of(keys: dict[str, str]) -> Policy:
    """Return a policy whose one rule demands provenance with *keys*."""
    table = ", ".join(f"{key} = {value}" for key, value in keys.items())
    return Policy.from_toml(f"{HEAD}provenance = {{ {table} }}\n".encode(), path=None)


@given(CONTROLS, CLAIMS, CLAIMS, st.integers())
def test_order_repetition_and_further_claims_have_no_effect_on_what_counts(
    keys: dict[str, str], claims: list[Attestation], more: list[Attestation], seed: int
) -> None:
    """What counts still counts among others, in any order; what does not, does not."""
    policy = policy_of(keys)
    control = policy.rules[0].provenance
    found = assess(policy, control, SUBJECT, claims)
    shuffled = [*claims, *claims]
    Random(seed).shuffle(shuffled)
    assert assess(policy, control, SUBJECT, shuffled) == found
    both = assess(policy, control, SUBJECT, [*more, *claims])
    alone = assess(policy, control, SUBJECT, more)
    assert set(both.builds) == {*found.builds, *alone.builds}
    assert set(both.evidence) == {*found.evidence, *alone.evidence}


@given(CONTROLS, CLAIMS)
def test_there_is_a_reason_to_deny_or_a_build_that_counts(
    keys: dict[str, str], claims: list[Attestation]
) -> None:
    """Never both, and never neither."""
    policy = policy_of(keys)
    found = assess(policy, policy.rules[0].provenance, SUBJECT, claims)
    assert bool(found.builds) is bool(found.evidence)
    assert bool(found.builds) is not any(reason.blocking for reason in found.reasons)
    assert not found.builds or found.reasons == ()


@given(CONTROLS, CLAIMS)
def test_what_counts_meets_the_definition(keys: dict[str, str], claims: list[Attestation]) -> None:
    """Each condition holds of what counts, and of nothing that does not count do all hold."""
    policy = policy_of(keys)
    found = assess(policy, policy.rules[0].provenance, SUBJECT, claims)
    assert set(found.builds) == {claim for claim in claims if meets(claim, keys)}


def meets(claim: Attestation, keys: dict[str, str]) -> bool:
    """Tell by the definition whether *claim* counts, as plainly as it can be said."""
    build = claim.content
    if not isinstance(build, Build):
        return False
    listed = [(resource.name, resource.digest("sha256")) for resource in claim.files]
    about = any(artifact == OWN for artifact in claim.artifacts) or (
        set(FILES) <= set(listed) and len([n for n, _ in set(listed) if n == "a.json"]) == 1
    )
    by = {("runner", IDS[0]): '"runner"', ("laptop", IDS[1]): '"laptop"'}
    builder = by.get((claim.trust, build.builder_id))
    types = keys.get("build-type", f"{COMMAND_BUILD_TYPE} {CONVERT_BUILD_TYPE}")
    return (
        about
        and builder is not None
        and builder in keys["builder"]
        and build.build_type in types
        and parameters_meet(dict(build.parameters), keys.get("parameters", ""))
        and source_meets(build.source, keys.get("source"))
    )


def parameters_meet(given_: dict[str, str], expected: str) -> bool:
    """Tell whether parameters are what one of three expectations says."""
    rest = {name: json.loads(value) for name, value in given_.items()}
    if expected == "":
        return rest == {}
    learning = rest.pop("lr", None)
    if expected == '{ lr = "1" }':
        return learning in ("1", 1) and rest == {}
    if expected == '{ lr = "**" }':
        return rest == {}
    return learning is not None and rest == {"command": ["python", "x"]}


def source_meets(source: Source | None, expected: str | None) -> bool:
    """Tell whether a source is what one of two patterns says."""
    if expected is None:
        return True
    if source is None or source.uri != "git+https://a/b" or source.clean is False:
        return False
    if "main" in expected:
        return source.ref == "main"
    return source.ref is not None or source.commit is not None
