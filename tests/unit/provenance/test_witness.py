"""Steps of in-toto links and of Witness collections."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from support.statements import (
    COMMIT,
    CONFIG,
    REF,
    REPOSITORY,
    SOURCE,
    WEIGHTS,
    Document,
    artifact,
    built,
    collection,
    git_dependency,
    link,
    read,
    refused,
)
from weighbridge.core.attestation import Resource, Source
from weighbridge.core.build_types import (
    LINK,
    WITNESS,
)
from weighbridge.core.codes import Code
from weighbridge.provenance.witness import git_uri


class TestLink:
    """in-toto links."""

    def test_a_step_is_a_build_by_whoever_signed(self) -> None:
        """Step, command and environment are parameters; the materials are dependencies."""
        found = built(link())
        assert (found.build_type, found.builder_id, found.source) == (LINK, LINK, None)
        assert found.parameters == (
            ("command", '["python","train.py"]'),
            ("environment", '{"workdir":"here"}'),
            ("name", '"train"'),
        )
        assert found.others == (Resource(name="train.py", digests=(("sha256", "ee" * 32),)),)

    def test_what_is_optional_may_be_missing(self) -> None:
        """A step needs a name only; nothing is a parameter that is not there."""
        found = built(link(command=None, materials=None, byproducts=None, environment=None))
        assert found.parameters == (("name", '"train"'),)

    def test_a_material_in_a_repository_is_the_source(self) -> None:
        """A material with the digest of a commit is no file."""
        found = built(link(materials=[{"name": "git", **git_dependency()}]))
        assert (found.source, found.others) == (SOURCE, ())

    @pytest.mark.parametrize("code", [1, -9, "1", True, False, 0.5])
    def test_a_step_that_failed_is_no_build(self, code: Any) -> None:
        """What a command left that failed is nothing that anybody built."""
        with refused(text="failed"):
            read(link(byproducts={"return-value": code}))

    @pytest.mark.parametrize(
        "change",
        [
            {"name": ""},
            {"name": None},
            {"command": "python train.py"},
            {"command": [1]},
            {"materials": [{"digest": {"sha256": WEIGHTS}}]},
            {"materials": [{"name": "a", "digest": {"sha256": WEIGHTS}}] * 2},
            {"byproducts": []},
            {"environment": "x"},
        ],
    )
    def test_a_broken_link_is_refused(self, change: Any) -> None:
        """Materials have a name each, and everything has its type."""
        with refused():
            read(link(**change))


class TestWitness:
    """Collections of Witness."""

    def test_a_collection_is_a_build_if_one_command_was_run(self) -> None:
        """Command, materials, repository and environment come from their attestors."""
        found = built(collection())
        assert (found.build_type, found.builder_id) == (WITNESS, WITNESS)
        assert found.parameters == (
            ("command", '["python","train.py"]'),
            ("environment", '{"HOME":"here"}'),
            ("name", '"train"'),
        )
        assert found.source == Source(uri=SOURCE.uri, ref=REF, commit=COMMIT, clean=True)
        assert found.others == (
            Resource(
                name="train.py",
                digests=(("gitoid:sha1", "gitoid:blob:sha1:00"), ("sha256", "ee" * 32)),
            ),
        )
        assert found.started is not None
        assert found.started.isoformat() == "2026-01-31T11:00:00.500000+00:00"

    def test_its_subjects_are_the_files_that_were_made(self) -> None:
        """Subjects under other URLs, such as people's addresses, are nothing that was built."""
        claim = read(collection())
        assert [(f.name, f.digest("sha256")) for f in claim.files] == [
            ("model.safetensors", WEIGHTS)
        ]
        assert claim.artifacts == ()
        document = collection()
        document["subject"].append({"digest": {"sha256": CONFIG}})
        assert read(document) == claim

    def test_materials_are_in_one_order(self) -> None:
        """Two collections of the same files say the same."""
        files = {"b": {"sha256": WEIGHTS}, "a": {"sha256": CONFIG}}
        found = [resource.name for resource in built(collection(material=files)).others]
        assert found == ["a", "b"]
        with refused(Code.LIMIT_EXCEEDED):
            read(collection(material={"x" * 9000: {"sha256": WEIGHTS}}))

    def test_without_a_command_it_is_of_another_kind(self) -> None:
        """A collection says nothing of how something was made, or of two ways at once."""
        with refused(Code.CLAIM_UNKNOWN):
            read(collection(command_run=None))
        twice = collection()
        seen = twice["predicate"]["attestations"]
        seen.append(next(deepcopy(item) for item in seen if "command-run" in item["type"]))
        with refused(Code.CLAIM_UNKNOWN):
            read(twice)

    def test_a_command_that_failed_is_no_build(self) -> None:
        """What a command left that failed is nothing that anybody built."""
        with refused(text="failed"):
            read(collection(command_run={"cmd": ["x"], "exitcode": 1}))
        with refused(text="a member is missing"):
            read(collection(command_run={"cmd": ["x"]}))

    def test_a_changed_tree_is_told(self) -> None:
        """A working tree that is not the commit's is not clean."""
        status = {"train.py": {"worktree": "modified"}}
        git = {"commithash": COMMIT, "remotes": [REPOSITORY], "status": status}
        found = built(collection(git=git)).source
        assert found == Source(uri=SOURCE.uri, commit=COMMIT, clean=False)

    @pytest.mark.parametrize(
        "git",
        [
            None,
            {"commithash": COMMIT},
            {"commithash": COMMIT, "remotes": [REPOSITORY, REPOSITORY]},
            {"commithash": COMMIT, "remotes": ["../train"]},
            {"commithash": "main", "remotes": [REPOSITORY]},
            {"remotes": [REPOSITORY]},
        ],
    )
    def test_a_repository_that_is_not_told_is_no_source(self, git: Any) -> None:
        """A source has one remote and a commit."""
        assert built(collection(git=git)).source is None

    @pytest.mark.parametrize(
        ("remote", "uri"),
        [
            (REPOSITORY, f"git+{REPOSITORY}"),
            ("git@github.com:acme/train.git", "git+ssh://git@github.com/acme/train.git"),
            ("ssh://git@github.com/acme/train", "git+ssh://git@github.com/acme/train"),
            ("/srv/train", None),
            ("https://github.com/acme/train@main", None),
            ("git@github.com:acme/train@main", None),
        ],
    )
    def test_a_remote_has_one_uri(self, remote: str, uri: str | None) -> None:
        """Remotes are URLs or in the form of scp; a path names nothing to others."""
        assert git_uri(remote) == uri

    @pytest.mark.parametrize(
        "change",
        [
            {"material": {"x": "y"}},
            {"material": {"x": {"sha256": 1}}},
            {"material": []},
            {"command_run": {"cmd": "x", "exitcode": 0}},
            {"git": {"remotes": "x"}},
            {"environment": {"variables": []}},
            {"environment": 1},
        ],
    )
    def test_a_broken_collection_is_refused(self, change: Any) -> None:
        """What an attestor saw has its form."""
        with refused():
            read(collection(**change))

    def test_materials_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One more than the limit is beyond it."""
        files = {name: {"sha256": WEIGHTS} for name in "abcdef"}
        monkeypatch.setattr("weighbridge.provenance.witness.MAX_STATEMENT_RESOURCES", len(files))
        assert len(built(collection(material=files)).others) == len(files)
        with refused(Code.LIMIT_EXCEEDED):
            read(collection(material={**files, "g": {"sha256": WEIGHTS}}))


@pytest.mark.parametrize("platform", [link, collection])
def test_files_of_a_step_are_never_an_artifact(platform: Callable[[], Document]) -> None:
    """A step could leave files whose digests are those of a model that it never saw."""
    model = artifact("acme/bert").binding
    document = platform()
    top = document["subject"][0]["name"].removesuffix("model.safetensors")
    document["subject"] = [
        {"name": f"{top}acme/bert", "digest": {"sha256": model.root.hex}},
        {"name": f"{top}acme/bert#manifest", "digest": {"sha256": model.names.hex}},
    ]
    claim = read(document)
    assert claim.artifacts == ()
    assert [file.name for file in claim.files] == ["acme/bert", "acme/bert#manifest"]


def test_a_material_of_a_step_is_never_an_artifact() -> None:
    """What a step read was digested file by file, whatever the files are called."""
    binding = artifact("acme/base").binding
    pair = [
        {"name": "acme/base", "digest": {"sha256": binding.root.hex}},
        {"name": "acme/base#manifest", "digest": {"sha256": binding.names.hex}},
    ]
    found = built(link(materials=pair))
    assert found.inputs == ()
    assert len(found.others) == 2
