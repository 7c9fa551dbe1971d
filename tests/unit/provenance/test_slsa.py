"""SLSA provenance v1: builds on the wire."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from support.statements import (
    COMMIT,
    REF,
    REPOSITORY,
    SOURCE,
    WHERE,
    artifact,
    build,
    built,
    git_dependency,
    provenance,
    read,
    refused,
    statement,
)
from weighbridge.core.attestation import Build, Resource, Source
from weighbridge.core.build_types import COMMAND_BUILD_TYPE, CONVERT_BUILD_TYPE, GITHUB_WORKFLOW
from weighbridge.core.errors import UsageError
from weighbridge.provenance.reading import read_claim
from weighbridge.provenance.slsa import PROVENANCE_V1, render_build

EXTERNAL = {"command": ["python", "train.py"], "params": {"epochs": "3"}}


def document(**definition: Any) -> dict[str, Any]:
    """Return provenance of our command type, with changes of its definition."""
    return statement(PROVENANCE_V1, provenance(COMMAND_BUILD_TYPE, EXTERNAL, **definition))


def pair(name: str) -> list[dict[str, Any]]:
    """Return `artifact(name)` as it stands among dependencies."""
    binding = artifact(name).binding
    return [
        {"name": name, "digest": {"sha256": binding.root.hex}},
        {"name": f"{name}#manifest", "digest": {"sha256": binding.names.hex}},
    ]


def test_a_build_is_read_with_what_was_chosen_and_used() -> None:
    """Every external parameter has a name; the source stands by itself; inputs need two digests."""
    image = {"uri": "docker://image", "digest": {"sha256": "cc" * 32}, "mediaType": "image"}
    found = built(
        document(
            resolvedDependencies=[*pair("acme/base"), git_dependency(), image],
            internalParameters={"runner": {"os": "linux"}},
        )
    )
    assert found == Build(
        predicate_type=PROVENANCE_V1,
        build_type=COMMAND_BUILD_TYPE,
        builder_id=f"{REPOSITORY}/.github/workflows/release.yml@{REF}",
        parameters=(("command", '["python","train.py"]'), ("params.epochs", '"3"')),
        internal=(("runner.os", '"linux"'),),
        source=SOURCE,
        inputs=(artifact("acme/base"),),
        others=(
            Resource(uri="docker://image", digests=(("sha256", "cc" * 32),), media_type="image"),
        ),
        invocation_id=f"{REPOSITORY}/actions/runs/42/attempts/1",
    )


def test_what_surrounds_the_build_is_read() -> None:
    """Times, byproducts and annotations; a byproduct without anything says nothing."""
    changed = document()
    changed["predicate"]["runDetails"] |= {
        "metadata": {"startedOn": "2026-01-31T12:00:00Z", "finishedOn": "2026-01-31T13:00:00Z"},
        "byproducts": [{}, {"uri": "file:log", "annotations": {"lines": 3, "a": [None]}}],
    }
    found = built(changed)
    assert found.started == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert found.finished == datetime(2026, 1, 31, 13, tzinfo=UTC)
    assert found.invocation_id is None
    assert found.byproducts == (
        Resource(uri="file:log", annotations=(("a", "[null]"), ("lines", "3"))),
    )


def test_unknown_fields_are_ignored_and_unknown_parameters_are_not() -> None:
    """Fields may be added by minor versions; a parameter that nobody knows has to be expected."""
    changed = document(externalParameters={**EXTERNAL, "backdoor": True})
    changed["predicate"]["extension_field"] = 1
    changed["predicate"]["buildDefinition"]["more"] = {"x": 1}
    assert ("backdoor", "true") in built(changed).parameters
    assert len(built(changed).parameters) == 3


@pytest.mark.parametrize("unset", [None, {}])
def test_parameters_and_dependencies_may_be_unset(unset: Any) -> None:
    """Unset, null and empty are the same."""
    changed = document(externalParameters=unset, internalParameters=unset)
    changed["predicate"]["buildDefinition"]["resolvedDependencies"] = None
    found = built(changed)
    assert (found.parameters, found.internal, found.source) == ((), (), None)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("buildDefinition",), None),
        (("buildDefinition", "buildType"), None),
        (("buildDefinition", "buildType"), ""),
        (("buildDefinition", "externalParameters"), []),
        (("buildDefinition", "internalParameters"), "x"),
        (("buildDefinition", "resolvedDependencies"), {}),
        (("buildDefinition", "resolvedDependencies"), [{}]),
        (("buildDefinition", "resolvedDependencies"), [{"name": "x"}]),
        (("runDetails",), None),
        (("runDetails", "builder"), None),
        (("runDetails", "builder"), {}),
        (("runDetails", "builder"), {"id": ""}),
        (("runDetails", "metadata"), []),
        (("runDetails", "metadata"), {"startedOn": "yesterday"}),
        (("runDetails", "byproducts"), {}),
    ],
)
def test_a_broken_build_is_refused(path: tuple[str, ...], value: Any) -> None:
    """What SLSA requires has to be there, and everything has its type."""
    changed = document()
    place = changed["predicate"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with refused():
        read(changed)


def test_a_resource_may_be_its_own_content() -> None:
    """Of digest, URI and content one is enough (in-toto ResourceDescriptor)."""
    found = built(document(resolvedDependencies=[{"name": "config", "content": "e30="}]))
    assert found.others == (Resource(name="config"),)


@pytest.mark.parametrize("content", [None, "", 1, [], {}])
def test_a_resource_without_content_is_not_its_own(content: Any) -> None:
    """What is null, empty or no text tells a resource from no other one."""
    with refused():
        read(document(resolvedDependencies=[{"name": "config", "content": content}]))


def test_an_input_by_one_digest_only_is_refused_as_an_artifact() -> None:
    """A digest without names is some other dependency; names without a digest are nothing."""
    root, names = pair("acme/base")
    found = built(document(resolvedDependencies=[root]))
    assert found.inputs == ()
    assert [other.name for other in found.others] == ["acme/base"]
    with refused(text="predicate.buildDefinition.resolvedDependencies"):
        read(document(resolvedDependencies=[names]))


@pytest.mark.parametrize(
    ("dependency", "source"),
    [
        (git_dependency(), SOURCE),
        (git_dependency(sha1=COMMIT), SOURCE),
        (git_dependency(gitCommit=COMMIT, sha1=COMMIT), SOURCE),
        (git_dependency(gitCommit="ab" * 32), replace(SOURCE, commit="ab" * 32)),
        (git_dependency(f"git+{REPOSITORY}"), replace(SOURCE, ref=None)),
        (git_dependency(f"git+{REPOSITORY}@{COMMIT}"), replace(SOURCE, ref=None)),
        (
            git_dependency("git+ssh://git@example.org/train@main@2"),
            Source(uri="git+ssh://git@example.org/train", ref="main@2", commit=COMMIT),
        ),
        ({"uri": f"git+{REPOSITORY}@{REF}"}, replace(SOURCE, commit=None)),
        (
            {**git_dependency(), "annotations": {"weighbridge_clean": False}},
            replace(SOURCE, clean=False),
        ),
        (
            {**git_dependency(), "annotations": {"weighbridge_clean": True}},
            replace(SOURCE, clean=True),
        ),
        ({**git_dependency(), "annotations": {"weighbridge_clean": None}}, SOURCE),
        *(
            (
                {**git_dependency(), "annotations": {"weighbridge_clean": odd}},
                replace(SOURCE, clean=False),
            )
            for odd in ("true", "false", "", 1, [True])
        ),
        (git_dependency(gitCommit=COMMIT, sha1="ab" * 20), None),
        (git_dependency(gitCommit=COMMIT.upper()), None),
        (git_dependency(gitCommit="main"), None),
        (git_dependency(sha256="ab" * 32), None),
        (git_dependency(REPOSITORY), None),
        (git_dependency(f"git+{REPOSITORY}@{REF}#sub/model"), None),
        (git_dependency(f"git+{REPOSITORY}?x=1"), None),
        (git_dependency("git+https://github.com"), None),
        (git_dependency("git+file"), None),
    ],
)
def test_the_source_is_a_repository_with_a_commit(dependency: Any, source: Source | None) -> None:
    """A dependency at git+URI with one commit is the source, and its label is the URI again."""
    found = built(document(resolvedDependencies=[dependency]))
    assert found.source == source
    assert len(found.others) == (source is None)
    if source is not None and source.ref is not None:
        assert source.label == dependency["uri"]


def test_two_sources_are_none() -> None:
    """Of two repositories nobody knows which one is the source; the same one twice is one."""
    other = git_dependency("git+https://github.com/acme/tools@main")
    found = built(document(resolvedDependencies=[git_dependency(), other]))
    assert found.source is None
    assert len(found.others) == 2
    assert built(document(resolvedDependencies=[git_dependency()] * 2)).source == SOURCE


def test_a_source_with_a_commit_goes_before_one_without() -> None:
    """A tool that was fetched from somewhere does not hide the source that was resolved."""
    tool = {"uri": "git+https://github.com/acme/tools@main"}
    found = built(document(resolvedDependencies=[tool, git_dependency()]))
    assert found.source == SOURCE
    assert [other.uri for other in found.others] == [tool["uri"]]


FULL = build(
    internal=(("observed", "true"),),
    source=replace(SOURCE, clean=False),
    inputs=(artifact("acme/base", uri="hf://acme/base@1"), artifact("data")),
    others=(
        Resource(uri="pkg:pypi/torch@2.6", digests=(("sha256", "ab" * 32),)),
        Resource(name="notes", digests=(("sha512", "00"),), annotations=(("n", "[1]"),)),
    ),
    byproducts=(Resource(uri="file:log", media_type="text/plain"),),
    invocation_id="42",
    started=datetime(2026, 1, 31, 12, tzinfo=UTC),
    finished=datetime(2026, 1, 31, 13, 0, 0, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    "written",
    [
        FULL,
        build(),
        build(source=None, inputs=(), parameters=()),
        build(build_type=CONVERT_BUILD_TYPE, parameters=(("to", '"safetensors"'),)),
        build(source=replace(SOURCE, ref=None, commit=None)),
        build(parameters=(('params.""', "1"), ('params."a.b"', "2"))),
    ],
)
def test_a_build_that_is_written_is_read_as_the_same(written: Build) -> None:
    """Nothing is lost or added on the way."""
    models = [artifact("acme/bert", uri="https://example.org/bert"), artifact("acme/other")]
    claim = read_claim(render_build(written, artifacts=models), where=WHERE)
    assert claim.content == written
    assert claim.artifacts == tuple(models)
    assert (claim.files, claim.predicate_type) == ((), PROVENANCE_V1)


def test_a_statement_of_ours_looks_as_it_is_documented() -> None:
    """The wire format of a build, whole."""
    written = json.loads(render_build(build(), artifacts=[artifact("acme/bert")]))
    assert written == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": pair("acme/bert"),
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:weighbridge:build-type:command:v1",
                "externalParameters": EXTERNAL,
                "resolvedDependencies": [git_dependency(), *pair("acme/base")],
            },
            "runDetails": {"builder": {"id": "https://ci.example.org/builders/gpu"}},
        },
    }


@pytest.mark.parametrize(
    "written",
    [
        build(parameters=(("command", '["\\udcff"]'),)),
        build(builder_id="https://example.org/\udcff"),
        build(others=(Resource(name="\udcff", uri="file:x"),)),
    ],
)
def test_text_that_is_no_unicode_is_not_written(written: Build) -> None:
    """An argument or a path of other bytes would make a statement that no reader takes."""
    with pytest.raises(UsageError):
        render_build(written, artifacts=[artifact("acme/bert")])


def test_a_statement_beyond_a_bound_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large to be read is too large to be signed."""
    limit = "weighbridge.provenance.statement.MAX_STATEMENT_BYTES"
    size = len(render_build(build(), artifacts=[artifact("acme/bert")]))
    monkeypatch.setattr(limit, size)
    render_build(build(), artifacts=[artifact("acme/bert")])
    monkeypatch.setattr(limit, size - 1)
    with pytest.raises(UsageError):
        render_build(build(), artifacts=[artifact("acme/bert")])


@pytest.mark.parametrize(
    "written",
    [
        build(predicate_type="https://slsa.dev/provenance/v0.2"),
        build(builder_id=""),
        build(build_type=""),
        build(parameters=(("b", "1"), ("a", "1"))),
        build(parameters=(("a", "{}"),)),
        build(source=replace(SOURCE, uri=REPOSITORY)),
        build(source=replace(SOURCE, uri=f"{SOURCE.uri}@main", ref=None)),
        build(source=replace(SOURCE, commit="main")),
        build(source=None, others=(Resource(uri=f"{SOURCE.label}"),)),
        build(others=(Resource(name="x"),)),
        build(others=(Resource(name="x#manifest", digests=(("sha256", "ab" * 32),)),)),
        build(inputs=(artifact("a"), artifact("a"))),
        build(inputs=(artifact("a\n"),)),
        build(inputs=(artifact(""),)),
        build(started=datetime(2026, 1, 31, 12)),  # noqa: DTZ001  that it has no zone is the point
        build(
            build_type=GITHUB_WORKFLOW,
            parameters=(
                ("workflow.path", '"x"'),
                ("workflow.ref", f'"{REF}"'),
                ("workflow.repository", f'"{REPOSITORY}"'),
            ),
        ),
    ],
)
def test_a_build_that_would_be_read_differently_is_not_written(written: Build) -> None:
    """Nobody signs a statement of which a reader thinks something else."""
    with pytest.raises(UsageError):
        render_build(written, artifacts=[artifact("acme/bert")])
