"""Which directories are models', for code that lies in them."""

from pathlib import Path

import pytest

from weighbridge.pipeline.guard.folders import Folders, bases_of
from weighbridge.pipeline.guard.order import Order, render_order
from weighbridge.pipeline.guard.start.sitecustomize import find_bases
from weighbridge.policy.schema import Policy


def policy(place: Path, *globs: str) -> Policy:
    """Return a policy with a rule for each of *globs*."""
    rules = "".join(
        f'[[rule]]\nmatch = ["{glob}"]\nboundary = ["load"]\nsignature = {{ required = false }}\n'
        for glob in globs
    )
    file = place / "weighbridge.toml"
    file.write_text("version = 1\n" + rules)
    return Policy.from_file(file)


def have(place: Path, glob: str, path: Path) -> bool:
    """Tell whether *path* is a model's code where the policy has a rule about *glob*."""
    return Folders(policy(place, glob), boundary="load").have(str(path))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Return a module in a package in a directory."""
    path = tmp_path / "models" / "bert" / "package" / "code.py"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.mark.parametrize("name", ["model.sig", "model.release.sig", "modules.json", "MLmodel"])
def test_signed_and_marked_directories(tmp_path: Path, code: Path, name: str) -> None:
    """A signature or a file of models only makes what is below a model's, whatever rules say."""
    assert not have(tmp_path, "**", code)
    (code.parents[1] / name).touch()
    assert have(tmp_path, "**", code)
    assert not have(tmp_path, "**", tmp_path / "own.py")


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("models/bert", True),
        ("models/be*", True),
        ("models", True),
        ("**/bert", True),
        ("models/*", False),
        ("models/**", False),
        ("*", False),
        ("**", False),
        ("other", False),
    ],
)
def test_directories_that_a_rule_names(
    tmp_path: Path, code: Path, glob: str, *, expected: bool
) -> None:
    """A last segment that is more than a wildcard names a directory; wildcards alone do not."""
    assert have(tmp_path, glob, code) is expected


def test_checkpoints_in_a_directory_of_a_rule(tmp_path: Path, code: Path) -> None:
    """With a file that is called like a model in it, any segment of the rule names a directory."""
    (code.parents[1] / "weights.bin").touch()
    assert not have(tmp_path, "models/*", code)
    (code.parents[1] / "weights.pt").touch()
    assert have(tmp_path, "models/*", code)
    assert not have(tmp_path, "**", code)


def test_a_directory_is_looked_at_again_when_it_changes(tmp_path: Path, code: Path) -> None:
    """A signature that comes later counts."""
    folders = Folders(policy(tmp_path, "**"), boundary="load")
    assert not folders.have(str(code))
    (code.parents[1] / "model.sig").touch()
    assert folders.have(str(code))


def test_where_rules_name_directories(tmp_path: Path) -> None:
    """The bases are the patterns' beginnings without a wildcard, below the policy or the root."""
    found = bases_of(
        policy(tmp_path, "**", "*", "hf://acme/*", "models/*", "one", "/srv/a-*", "x/y*/z")
    )
    assert found == (f"{tmp_path}/models/", f"{tmp_path}/one/", "/srv/", f"{tmp_path}/x/")
    assert bases_of(policy(tmp_path, "**/bert-*")) == ("/",)


@pytest.mark.parametrize("globs", [("**",), ("models/*", "/srv/é")])
def test_the_hook_reads_the_bases(tmp_path: Path, globs: tuple[str, ...]) -> None:
    """The start-up hook finds in the order what the policy says, without a reader of JSON."""
    made = policy(tmp_path, *globs)
    text = (tmp_path / "weighbridge.toml").read_text() + '# "bases": "00"\n'
    order = Order(
        policy=text,
        path=str(tmp_path / "weighbridge.toml"),
        boundary="load",
        audit=False,
        log='"bases": "2f"',
    )
    data = render_order(order)
    assert find_bases(data) == bases_of(made)
    with pytest.raises(RuntimeError, match="does not say"):
        find_bases(data.replace(b'"bases": "', b'"other": "'))
