"""What other platforms write about builds: each maps to the same values."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from support.statements import (
    COMMIT,
    CONFIG,
    REF,
    REPOSITORY,
    SOURCE,
    STATEMENT_V01,
    WEIGHTS,
    build,
    built,
    container_based,
    delegated,
    generic_v02,
    git_dependency,
    github,
    gitlab,
    provenance,
    read,
    refused,
    statement,
)
from weighbridge.core.attestation import Source
from weighbridge.core.build_types import (
    GENERATOR_CONTAINER_BASED,
    GITHUB_WORKFLOW_COMMUNITY,
    GITLAB_JOB,
    KNOWN_BUILD_TYPES,
    is_known_build_type,
)
from weighbridge.core.codes import Code
from weighbridge.provenance.reading import PREDICATE_TYPES
from weighbridge.provenance.slsa import PROVENANCE_V1
from weighbridge.provenance.slsa_v02 import PROVENANCE_V02

PATH = ("workflow.path", '".github/workflows/release.yml"')
GITLAB = Source(uri="git+https://gitlab.com/acme/train", commit=COMMIT)
GITLAB_TYPE = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v17.1.0/PROVENANCE.md"


def external(document: dict[str, Any]) -> dict[str, Any]:
    """Return the external parameters of provenance v1."""
    found: dict[str, Any] = document["predicate"]["buildDefinition"]["externalParameters"]
    return found


def dependencies(document: dict[str, Any], *found: Any) -> None:
    """Replace the dependencies of provenance v1."""
    document["predicate"]["buildDefinition"]["resolvedDependencies"] = list(found)


class TestGithub:
    """Workflows of GitHub Actions."""

    def test_an_attestation_has_its_source_and_the_path_of_the_workflow(self) -> None:
        """Repository and ref are the source; the path is what a policy has to expect."""
        found = built(github())
        assert found.source == SOURCE
        assert found.source is not None
        assert found.source.label == f"git+{REPOSITORY}@{REF}"
        assert found.parameters == (PATH,)
        assert ("github.runner_environment", '"github-hosted"') in found.internal
        assert found.others == ()

    def test_its_subjects_are_single_files(self) -> None:
        """A platform that knows no models names files by their digests."""
        claim = read(github())
        assert claim.artifacts == ()
        assert [(f.name, f.digest("sha256")) for f in claim.files] == [
            ("model.safetensors", WEIGHTS),
            ("config.json", CONFIG),
        ]

    def test_inputs_and_variables_have_to_be_expected(self) -> None:
        """What somebody typed into a form is a parameter each."""
        document = github(inputs={"epochs": "3", "note": ""}, vars={"MASCOT": "Mona"})
        document["predicate"]["buildDefinition"]["buildType"] = GITHUB_WORKFLOW_COMMUNITY
        assert built(document).parameters == (
            ("inputs.epochs", '"3"'),
            ("inputs.note", '""'),
            ("vars.MASCOT", '"Mona"'),
            PATH,
        )

    @pytest.mark.parametrize(
        "dependency",
        [
            git_dependency(f"git+{REPOSITORY}@refs/heads/evil"),
            git_dependency("git+https://github.com/evil/train@" + REF),
        ],
    )
    def test_another_source_than_the_workflows_leaves_the_workflow_to_the_policy(
        self, dependency: Any
    ) -> None:
        """Where both do not say the same nothing is left out, so that it is unexpected."""
        document = github()
        dependencies(document, dependency)
        found = built(document)
        names = [name for name, _ in found.parameters]
        assert names == ["workflow.path", "workflow.ref", "workflow.repository"]
        assert found.source is not None
        assert found.source.label == dependency["uri"]

    def test_the_workflows_source_is_told_from_other_repositories(self) -> None:
        """Of several repositories the one that the workflow names is the source."""
        document = github()
        other = git_dependency("git+https://github.com/acme/tools@main")
        dependencies(document, other, git_dependency())
        found = built(document)
        assert found.source == SOURCE
        assert found.parameters == (PATH,)
        assert [resource.uri for resource in found.others] == [other["uri"]]

    def test_two_commits_of_the_workflows_source_are_no_source(self) -> None:
        """A statement that contradicts itself does not choose."""
        document = github()
        dependencies(document, git_dependency(), git_dependency(gitCommit="ab" * 20))
        found = built(document)
        assert found.source is None
        assert len(found.parameters) == 3

    @pytest.mark.parametrize("missing", ["ref", "repository", "path"])
    def test_a_workflow_that_is_not_named_is_refused(self, missing: str) -> None:
        """A known build type has the parameters that make it known."""
        document = github()
        del external(document)["workflow"][missing]
        with refused(text="externalParameters.workflow"):
            read(document)

    @pytest.mark.parametrize("workflow", [None, "release.yml", []])
    def test_a_workflow_of_another_form_is_refused(self, workflow: Any) -> None:
        """A workflow is an object."""
        with refused(text="externalParameters.workflow"):
            read(github(workflow=workflow))


class TestGenerator:
    """The SLSA GitHub generator."""

    def test_a_delegated_build_has_the_inputs_of_the_call(self) -> None:
        """Every input is a parameter, the empty ones too; variables that are empty are none."""
        found = built(delegated())
        assert found.source == SOURCE
        assert found.parameters == (
            ("inputs.epochs", "3"),
            ("inputs.fast", "false"),
            ("inputs.flags", '""'),
        )

    def test_a_build_in_a_container_has_its_image_and_configuration(self) -> None:
        """The source is not repeated; the generator's own release is another dependency."""
        found = built(container_based())
        assert found.source == SOURCE
        assert [name for name, _ in found.parameters] == [
            "buildConfig.ArtifactPath",
            "buildConfig.Command",
            "builderImage.digest.sha256",
            "builderImage.uri",
            "configPath",
        ]
        assert [resource.digests for resource in found.others] == [(("sha256", "dd" * 32),)]

    def test_another_source_in_the_parameters_is_left_to_the_policy(self) -> None:
        """Where the source of the parameters is not the resolved one it is unexpected."""
        document = container_based()
        external(document)["source"]["digest"] = {"sha1": "ab" * 20}
        dependencies(document, git_dependency(sha1=COMMIT))
        names = [name for name, _ in built(document).parameters]
        assert names[-2:] == ["source.digest.sha1", "source.uri"]

    def test_a_source_that_is_none_is_left_to_the_policy(self) -> None:
        """That neither of the two is a repository is no agreement."""
        document = container_based()
        external(document)["source"] = {
            "uri": "https://example.org/x",
            "digest": {"sha256": WEIGHTS},
        }
        dependencies(document)
        names = [name for name, _ in built(document).parameters]
        assert names[-2:] == ["source.digest.sha256", "source.uri"]

    @pytest.mark.parametrize("change", [{"source": "x"}, {"source": {}}])
    def test_a_source_of_another_form_is_refused(self, change: Any) -> None:
        """A source is a resource."""
        document = container_based()
        external(document).update(change)
        with refused(text="externalParameters.source"):
            read(document)

    def test_parameters_without_a_source_stand_as_they_are(self) -> None:
        """Nothing is left out where there is nothing to compare with."""
        made = provenance(GENERATOR_CONTAINER_BASED, {"configPath": "x"})
        assert built(statement(PROVENANCE_V1, made)).parameters == (("configPath", '"x"'),)
        document = container_based()
        dependencies(document)
        assert len(built(document).parameters) == 7

    def test_files_of_a_workflow_are_described_by_an_older_version(self) -> None:
        """What was typed into the form stands in the event; the source in two places."""
        found = built(generic_v02())
        assert (found.predicate_type, found.source, found.others) == (PROVENANCE_V02, SOURCE, ())
        assert (
            found.builder_id == "https://github.com/slsa-framework/generator.yml@refs/tags/v2.0.0"
        )
        assert found.invocation_id == "42-1"
        assert found.parameters == (
            ("configSource.entryPoint", '".github/workflows/release.yml"'),
            ("environment.github_event_payload.inputs.epochs", '"3"'),
        )
        assert ("environment.github_event_payload.ref", f'"{REF}"') in found.internal


class TestVersionBefore1:
    """SLSA provenance v0.2."""

    def test_parameters_and_steps_have_to_be_expected(self) -> None:
        """Whatever is not the builder's environment is a parameter, under its own name."""
        document = generic_v02(parameters={"inputs": {"x": 1}})
        document["predicate"]["buildConfig"] = {"steps": [{"command": ["make"]}]}
        document["predicate"]["buildType"] = "https://example.org/unknown"
        assert [name for name, _ in built(document).parameters] == [
            "buildConfig.steps",
            "configSource.entryPoint",
            "parameters.inputs.x",
        ]

    @pytest.mark.parametrize(
        "material",
        [
            git_dependency(sha1="ab" * 20),
            git_dependency(f"git+{REPOSITORY}@refs/heads/main", sha1=COMMIT),
            git_dependency("git+https://github.com/acme/tools@main", sha1=COMMIT),
        ],
    )
    def test_two_sources_are_none(self, material: Any) -> None:
        """The configuration's source and the materials have to name one commit of one repository."""
        document = generic_v02()
        document["predicate"]["materials"].append(material)
        found = built(document)
        assert found.source is None
        assert len(found.others) == 2
        assert {"configSource.uri", "configSource.digest.sha1"} <= {n for n, _ in found.parameters}

    def test_a_plain_url_is_no_source(self) -> None:
        """Only GitLab calls a repository by its page; elsewhere that is any file."""
        config = {"uri": REPOSITORY, "digest": {"sha1": COMMIT}, "entryPoint": "x"}
        document = generic_v02(configSource=config)
        document["predicate"]["materials"] = []
        assert built(document).source is None
        assert ("configSource.uri", f'"{REPOSITORY}"') in built(document).parameters

    def test_a_ref_counts_wherever_it_stands(self) -> None:
        """Some platforms name the ref in one of the two places only."""
        document = generic_v02()
        document["predicate"]["materials"] = [git_dependency(f"git+{REPOSITORY}", sha1=COMMIT)]
        assert built(document).source == SOURCE
        document = generic_v02()
        document["predicate"]["invocation"]["configSource"]["uri"] = f"git+{REPOSITORY}"
        assert built(document).source == SOURCE
        assert ("configSource.uri", f'"git+{REPOSITORY}"') in built(document).parameters

    def test_a_repository_without_a_commit_is_no_source(self) -> None:
        """Before version 1 a material that nobody resolved is an address."""
        document = generic_v02(configSource=None)
        document["predicate"]["materials"] = [{"uri": f"git+{REPOSITORY}@{REF}"}]
        assert built(document).source is None
        assert len(built(document).others) == 1

    def test_the_run_has_its_name_in_either_spelling(self) -> None:
        """The specification has one spelling, and its most used writer another."""
        document = generic_v02()
        document["predicate"]["metadata"] = {"buildInvocationId": "43"}
        assert built(document).invocation_id == "43"

    def test_without_an_invocation_the_source_is_a_material(self) -> None:
        """Everything but the type and the builder may be unset."""
        document = generic_v02()
        del document["predicate"]["invocation"]
        assert built(document).source == SOURCE
        assert built(document).parameters == ()
        del document["predicate"]["materials"]
        assert built(document).source is None

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("buildType", ""),
            ("builder", {}),
            ("builder", None),
            ("invocation", []),
            ("materials", [{}]),
            ("metadata", {"buildStartedOn": "x"}),
        ],
    )
    def test_a_broken_build_is_refused(self, name: str, value: Any) -> None:
        """What is there has its type."""
        document = generic_v02()
        document["predicate"][name] = value
        with refused():
            read(document)

    @pytest.mark.parametrize("payload", [None, "x", {"inputs": None}, {"inputs": {}}])
    def test_an_event_without_inputs_adds_none(self, payload: Any) -> None:
        """A push has no form."""
        document = generic_v02(environment={"github_event_payload": payload})
        assert [name for name, _ in built(document).parameters] == ["configSource.entryPoint"]


class TestGitlab:
    """GitLab's runner."""

    def test_a_job_has_its_project_and_its_variables_as_one(self) -> None:
        """What the runner calls a sha256 is the commit; the variables are one parameter."""
        found = built(gitlab())
        assert found.source == GITLAB
        assert found.parameters == (
            ("entryPoint", '"build-job"'),
            ("variables", '{"CI":"","CI_COMMIT_SHA":""}'),
        )
        assert found.others == ()

    def test_gitlab_itself_says_the_same(self) -> None:
        """What GitLab attests has the commit under its own name; the rest is the same."""
        document = gitlab()
        document["predicate"]["buildDefinition"]["buildType"] = GITLAB_JOB
        dependencies(
            document, {"uri": "https://gitlab.com/acme/train", "digest": {"gitCommit": COMMIT}}
        )
        assert built(document) == replace(built(gitlab()), build_type=GITLAB_JOB)

    def test_variables_may_stand_beside_the_others(self) -> None:
        """Some releases have no member for them; then they are one parameter as well."""
        document = gitlab(EXTRA="1")
        del external(document)["variables"]
        assert built(document).parameters[1] == ("variables", '{"EXTRA":"1"}')
        assert '"EXTRA":"1"' in built(gitlab(EXTRA="1")).parameters[1][1]
        del external(document)["EXTRA"]
        assert [name for name, _ in built(document).parameters] == ["entryPoint"]

    @pytest.mark.parametrize(
        "dependency",
        [
            {"uri": "https://gitlab.com/evil/train", "digest": {"sha256": COMMIT}},
            {"uri": "https://gitlab.com/acme/train", "digest": {"sha256": "main"}},
            {
                "uri": "https://gitlab.com/acme/train",
                "digest": {"sha256": COMMIT, "sha1": "ab" * 20},
            },
            {"uri": "https://gitlab.com/acme/train"},
        ],
    )
    def test_another_project_is_no_source(self, dependency: Any) -> None:
        """The project of the parameters has to be the one that was resolved."""
        document = gitlab()
        dependencies(document, dependency)
        found = built(document)
        assert found.source is None
        assert ("source", '"https://gitlab.com/acme/train"') in found.parameters
        assert len(found.others) == 1

    def test_another_repository_does_not_stand_for_the_project(self) -> None:
        """A job that used another repository does not have that for its source unseen."""
        document = gitlab()
        dependencies(document, git_dependency())
        assert built(document).source == SOURCE
        assert ("source", '"https://gitlab.com/acme/train"') in built(document).parameters

    def test_a_project_is_a_url(self) -> None:
        """A source of another form stands as it is."""
        for source in (7, "git@gitlab.com:acme/train"):
            document = gitlab(source=source)
            dependencies(document, {"uri": str(source), "digest": {"sha256": COMMIT}})
            assert built(document).source is None

    def test_the_older_version_reads_the_same(self) -> None:
        """Provenance v0.2 of the runner has the same project, job and variables."""
        project = {"uri": "https://gitlab.com/acme/train", "digest": {"sha256": COMMIT}}
        document = generic_v02(
            configSource={**project, "entryPoint": "build-job"},
            parameters={"CI": "", "CI_JOB_ID": ""},
            environment={"executor": "docker"},
        )
        document["predicate"] |= {"buildType": GITLAB_TYPE, "materials": []}
        found = built(document)
        assert found.source == GITLAB
        assert found.internal == (("environment.executor", '"docker"'),)
        missing = deepcopy(document)
        del missing["predicate"]["invocation"]["configSource"]
        assert built(missing).source is None
        names = dict(found.parameters)
        assert names["configSource.entryPoint"] == '"build-job"'
        assert names["parameters"] == '{"CI":"","CI_JOB_ID":""}'


def test_the_kinds_that_are_read_are_the_standards() -> None:
    """One of them is our own, and the model's own signature is not read here."""
    assert sorted(PREDICATE_TYPES) == [
        "https://in-toto.io/attestation/link/v0.3",
        "https://in-toto.io/attestation/test-result/v0.1",
        "https://slsa.dev/provenance/v0.2",
        "https://slsa.dev/provenance/v1",
        "https://slsa.dev/verification_summary/v1",
        "https://witness.testifysec.com/attestation-collection/v0.1",
        "urn:weighbridge:predicate:parts:v1",
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "https://slsa.dev/provenance/v0.1",
        "https://slsa.dev/provenance/v1.0",
        "https://slsa.dev/provenance/v1 ",
        "https://model_signing/signature/v1.0",
        "https://example.org/review/v1",
    ],
)
def test_another_kind_is_unknown(kind: str) -> None:
    """A statement of another kind is named as such; it is not broken."""
    with refused(Code.CLAIM_UNKNOWN, text=kind.strip()):
        read(statement(kind, {}, kind=STATEMENT_V01))


@pytest.mark.parametrize("predicate", [None, "x", [], {}])
def test_a_known_kind_that_says_nothing_is_broken(predicate: Any) -> None:
    """A predicate that is unset is an empty one, which is no build."""
    with refused():
        read(statement(PROVENANCE_V1, predicate))


def test_a_type_is_known_by_its_whole_uri() -> None:
    """A prefix, or another version of a runner, is told by its own form only."""
    assert all(is_known_build_type(kind) for kind in KNOWN_BUILD_TYPES)
    assert is_known_build_type(GITLAB_TYPE)
    assert is_known_build_type(build().build_type)
    for kind in (*(f"{k}x" for k in KNOWN_BUILD_TYPES), f"{GITLAB_TYPE}x", f"x{GITLAB_TYPE}", ""):
        assert not is_known_build_type(kind)
    assert not is_known_build_type(GITLAB_TYPE.replace("v17.1.0", "v17/../v1"))
