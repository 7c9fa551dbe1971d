"""To which artifact a file belongs."""

from pathlib import Path

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import RefusedError
from weighbridge.pipeline.guard.artifacts import Belonging, find_artifact, is_metadata
from weighbridge.policy.schema import Policy

HEAD = 'version = 1\n[trust.a]\nmethod = "key"\npublic-key = "a.pub"\n'


def policy(place: Path, *globs: str) -> Policy:
    """Return a policy with a rule for each of *globs*, in that order."""
    rules = "".join(
        f'[[rule]]\nmatch = ["{glob}"]\nboundary = ["load"]\n'
        'signature = { required = true, any-of = ["a"] }\n'
        for glob in globs
    )
    file = place / "weighbridge.toml"
    file.write_text(HEAD + rules)
    return Policy.from_file(file)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Return a file two directories below a policy's."""
    path = tmp_path / "models" / "bert" / "w.pt"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def find(path: Path, *globs: str, place: Path) -> Belonging:
    """Return the artifact of *path*."""
    return find_artifact(str(path), policy(place, *globs), boundary="load")


def test_the_directory_that_a_rule_names(tmp_path: Path, weights: Path) -> None:
    """A rule about the directory makes the directory the artifact."""
    found = find(weights, "models/*", place=tmp_path)
    assert (found.root, found.relative) == (str(weights.parent), "w.pt")


def test_a_directory_further_up(tmp_path: Path, weights: Path) -> None:
    """A rule about a directory above that has the file's path in it."""
    found = find(weights, "models", place=tmp_path)
    assert (found.root, found.relative) == (str(tmp_path / "models"), "bert/w.pt")


def test_nearest_without_a_signature(tmp_path: Path, weights: Path) -> None:
    """Where one rule is about all and nothing is signed, the file itself is meant."""
    found = find(weights, "**", place=tmp_path)
    assert (found.root, found.relative) == (str(weights), ".")


def test_nearest_with_a_signature(tmp_path: Path, weights: Path) -> None:
    """Where one rule is about all, the nearest directory with a signature is meant."""
    (tmp_path / "models" / "model.sig").touch()
    assert find(weights, "**", place=tmp_path).root == str(tmp_path / "models")
    (weights.parent / "model.release.sig").touch()
    assert find(weights, "**", place=tmp_path).root == str(weights.parent)
    weights.with_name("w.pt.sig").touch()
    assert find(weights, "**", place=tmp_path).root == str(weights)


def test_the_first_rule_wins_whatever_lies_around(tmp_path: Path, weights: Path) -> None:
    """A file does not leave a strict rule about its directory for a later, lax one."""
    weights.with_name("w.pt.sig").touch()
    found = find(weights, "models/*", "**", place=tmp_path)
    assert (found.root, found.rule.index) == (str(weights.parent), 0)


def test_no_rule(tmp_path: Path, weights: Path) -> None:
    """Without a rule about the file or what is above it, it is refused."""
    with pytest.raises(RefusedError) as caught:
        find(weights, "other/*", place=tmp_path)
    assert caught.value.code is Code.POLICY_NO_MATCH


def test_links_count_where_they_lie_and_where_they_lead(tmp_path: Path, weights: Path) -> None:
    """A link to a model's file belongs to the model if no rule is about the link's directory."""
    link = tmp_path / "elsewhere" / "link.pt"
    link.parent.mkdir()
    link.symlink_to(weights)
    assert find(link, "models/*", place=tmp_path).root == str(weights.parent)
    found = find(link, "elsewhere", "models/*", place=tmp_path)
    assert (found.root, found.relative) == (str(link.parent), "link.pt")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/m/model.sig", True),
        ("/m/w.pt.sig", True),
        ("/m/model.claims.jsonl", True),
        ("/m/.git/objects/a.pt", True),
        ("/m/w.pt", False),
        ("/m/sig", False),
    ],
)
def test_metadata(path: str, expected: bool) -> None:
    """Signatures, claims and what a version control keeps are no part of a model."""
    assert is_metadata(path) is expected
