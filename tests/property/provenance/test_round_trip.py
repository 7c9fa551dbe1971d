"""Statements of any content are read as they were written, here and by the published messages."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from support.published import validated
from support.statements import WHERE, read, statement
from weighbridge.core.attestation import Artifact, Binding, Build, Resource, Source, Summary
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import ClaimError
from weighbridge.provenance.parameters import (
    canonical,
    parameters_of,
    render_parameters,
    segment,
    segments,
)
from weighbridge.provenance.reading import PREDICATE_TYPES, read_claim
from weighbridge.provenance.slsa import PROVENANCE_V1, render_build
from weighbridge.provenance.statement import subjects_of
from weighbridge.provenance.summary import render_summary

characters = st.characters(exclude_categories=["Cs"])
texts = st.text(characters, min_size=1, max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(characters, max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(characters, max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text(characters, max_size=6), values, max_size=4)
parameters = objects.map(parameters_of)
digests = st.binary(min_size=32, max_size=32).map(lambda data: Digest(HashAlgorithm.SHA256, data))
names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
bindings = st.builds(Binding, root=digests, names=digests)
artifacts = st.builds(Artifact, name=names, uri=st.none() | texts, binding=bindings)
several = st.lists(artifacts, max_size=3, unique_by=lambda each: each.name)
resources = st.builds(
    Resource,
    name=st.none() | texts.map(lambda text: f"file:{text}."),
    uri=texts.map(lambda text: f"urn:{text}"),
    digests=st.dictionaries(texts, texts, max_size=2).map(lambda d: tuple(sorted(d.items()))),
    media_type=st.none() | texts,
    annotations=objects.map(lambda d: tuple((k, canonical(d[k])) for k in sorted(d))),
)
commits = st.binary(min_size=20, max_size=20).map(bytes.hex)
refs = st.from_regex(r"refs/(heads|tags)/[a-z@][a-z0-9@/._-]{0,12}", fullmatch=True)
sources = st.builds(
    Source,
    uri=st.from_regex(r"git\+https://[a-z.]{1,8}/[a-z/.]{1,12}", fullmatch=True),
    ref=st.none() | refs,
    commit=st.none() | commits,
    clean=st.none() | st.booleans(),
)
# In the published messages a time has a year of four digits, and a number is a double.
times = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds are given without
builds = st.builds(
    Build,
    predicate_type=st.just(PROVENANCE_V1),
    build_type=texts.map(lambda text: f"https://example.org/{text}"),
    builder_id=texts,
    parameters=parameters,
    internal=parameters,
    source=st.none() | sources,
    inputs=several.map(tuple),
    others=st.lists(resources, max_size=3, unique=True).map(tuple),
    byproducts=st.lists(resources, max_size=2).map(tuple),
    invocation_id=st.none() | texts,
    started=st.none() | times,
    finished=st.none() | times,
)
summaries = st.builds(
    Summary,
    verifier_id=texts,
    verifier_versions=st.dictionaries(texts, texts, max_size=2).map(
        lambda found: tuple(sorted(found.items()))
    ),
    verified=st.none() | times,
    resource_uri=texts,
    policy_uri=texts,
    policy_sha256=st.none() | digests.map(lambda digest: digest.hex),
    passed=st.booleans(),
    levels=st.lists(texts, max_size=3).map(tuple),
    # The published message has no more of an attestation than these two.
    inputs=st.lists(
        st.builds(
            Resource,
            uri=st.none() | texts,
            digests=digests.map(lambda digest: (("sha256", digest.hex),)),
        ),
        max_size=3,
    ).map(tuple),
    boundary=st.none() | texts,
)


@given(builds, several.filter(bool))
def test_a_build_survives_the_wire(build: Build, about: list[Artifact]) -> None:
    """Read again it is the same build of the same artifacts, and the published messages take it."""
    data = render_build(build, artifacts=about)
    claim = read_claim(data, where=WHERE)
    assert claim.content == build
    assert claim.artifacts == tuple(about)
    assert claim.files == ()
    _, inner = validated(data)
    assert inner.run_details.builder.id == build.builder_id
    assert len(inner.build_definition.resolved_dependencies) == (
        (build.source is not None) + 2 * len(build.inputs) + len(build.others)
    )


@given(summaries, several.filter(bool))
def test_a_verdict_survives_the_wire(summary: Summary, about: list[Artifact]) -> None:
    """Read again it is the same verdict on the same artifacts, and the published messages take it."""
    data = render_summary(summary, artifacts=about)
    claim = read_claim(data, where=WHERE)
    assert (claim.content, claim.artifacts) == (summary, tuple(about))
    _, inner = validated(data)
    assert inner.verification_result == ("PASSED" if summary.passed else "FAILED")


@given(builds, several.filter(bool))
def test_what_the_published_messages_write_is_read(build: Build, about: list[Artifact]) -> None:
    """A statement that went through the published messages is read as the same one."""
    message, _ = validated(render_build(build, artifacts=about))
    data = json_format.MessageToJson(message).encode()
    claim = read_claim(data, where=WHERE)
    assert isinstance(claim.content, Build)
    # A number in a message is a double, so an annotation may have 1.0 for 1.
    assert claim.content.source == build.source
    assert claim.content.inputs == build.inputs
    assert claim.artifacts == tuple(about)


@given(objects)
def test_parameters_are_taken_apart_and_put_together(document: dict[str, Any]) -> None:
    """What is put together again has the same parameters, and only what is empty is lost."""
    pairs = parameters_of(document)
    assert list(pairs) == sorted(set(pairs))
    assert parameters_of(render_parameters(pairs)) == pairs


@given(st.lists(st.text(characters, max_size=5), min_size=1, max_size=4))
def test_a_dotted_name_has_one_meaning(keys: list[str]) -> None:
    """The keys that a name leads through are those that it was made of."""
    assert segments(".".join(segment(key) for key in keys)) == keys


@given(objects, objects)
def test_two_objects_with_the_same_parameters_say_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """Different values never have the same names and values."""
    if parameters_of(one) == parameters_of(other):
        assert render_parameters(parameters_of(one)) == render_parameters(parameters_of(other))
    else:
        assert canonical(one) != canonical(other)


@given(
    st.lists(st.sampled_from(["a", "b", "a#manifest", "b#manifest", "c", ""]), max_size=6),
    st.data(),
)
def test_no_artifact_is_made_of_subjects_that_do_not_belong_together(
    chosen: list[str], data: st.DataObject
) -> None:
    """An artifact has the digests of the only two subjects of its names, in every order."""
    subjects = [
        Resource(name=name, digests=(("sha256", data.draw(digests).hex),)) for name in chosen
    ]
    try:
        found, rest = subjects_of(data.draw(st.permutations(subjects)))
    except ClaimError:
        assert any(name.endswith("#manifest") for name in chosen)
        return
    for each in found:
        (root,) = {s for s in subjects if s.name == each.name}
        (manifest,) = {s for s in subjects if s.name == f"{each.name}#manifest"}
        assert each.binding.root.hex == root.digest("sha256")
        assert each.binding.names.hex == manifest.digest("sha256")
    assert len(rest) == len(set(subjects)) - 2 * len(found)


@given(st.binary(max_size=64) | objects.map(lambda found: json.dumps(found).encode()))
def test_anything_else_is_refused(data: bytes) -> None:
    """Whatever is no statement is an error of a claim, and never another one."""
    with pytest.raises(ClaimError) as caught:
        read_claim(data, where=WHERE)
    assert caught.value.code in {Code.CLAIM_MALFORMED, Code.LIMIT_EXCEEDED}


@given(objects, st.sampled_from(sorted(PREDICATE_TYPES)))
def test_any_predicate_is_refused_in_one_way(predicate: dict[str, Any], kind: str) -> None:
    """Every kind of statement around an object of other members is an error of a claim."""
    with pytest.raises(ClaimError) as caught:
        read(statement(kind, predicate))
    assert caught.value.code in {Code.CLAIM_MALFORMED, Code.CLAIM_UNKNOWN}
