"""The first rule that matches a name at the boundary decides."""

import pytest

from support.policies import rule_text
from weighbridge.core.limits.policy import MAX_REFERENCE_CHARS
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import Considered, reference_names, select_rule

UNSIGNED = "signature = { required = false }"
POLICY = Policy.from_toml(
    (
        "version = 1\n"
        + rule_text(UNSIGNED, 'name = "prod"', match="models/prod/**", boundary="load")
        + rule_text(UNSIGNED, match="models/**", boundary="deploy")
        + rule_text(UNSIGNED, match="models/*", boundary="*")
        + rule_text(UNSIGNED, match="models/prod/*", boundary="load")
    ).encode(),
    path="p.toml",
)


@pytest.mark.parametrize(
    ("names", "boundary", "index"),
    [
        (("models/prod/bert",), "load", 0),
        (("models/prod/bert",), "deploy", 1),
        (("models/prod/bert",), "upload", None),
        (("models/bert",), "load", 2),
        (("models/bert",), "deploy", 1),
        (("bert", "models/bert"), "upload", 2),
        (("bert",), "load", None),
        ((), "load", None),
    ],
)
def test_first_match_decides(names: tuple[str, ...], boundary: str, index: int | None) -> None:
    """Rules are tried in order; both the boundary and one of the names have to fit."""
    assert select_rule(POLICY, names=names, boundary=boundary).index == index


def test_selection_says_why() -> None:
    """The outcome names the glob, the name that it matched, and why earlier rules did not."""
    selection = select_rule(POLICY, names=("x", "models/bert"), boundary="upload")
    assert (selection.pattern, selection.name) == ("models/*", "models/bert")
    assert selection.considered == (
        Considered(index=0, label="rule 1 (prod)", line=2, reason="is for load, not for upload"),
        Considered(
            index=1, label="rule 2 (models/**)", line=7, reason="is for deploy, not for upload"
        ),
    )
    nothing = select_rule(POLICY, names=(), boundary="load")
    assert (nothing.rule, nothing.pattern, nothing.name) == (None, None, None)
    assert len(nothing.considered) == len(POLICY.rules)
    assert nothing.considered[0].reason == (
        "matches models/prod/**, not a reference without a name"
    )
    other = select_rule(POLICY, names=("a", "b"), boundary="load")
    assert other.considered[0].reason == "matches models/prod/**, not a or b"


@pytest.mark.parametrize(
    ("reference", "names"),
    [
        ("models/bert", ("models/bert",)),
        ("./models//bert/", ("models/bert",)),
        ("models/./bert/.", ("models/bert",)),
        ("/srv/models/bert/", ("/srv/models/bert",)),
        ("//srv/models", ("/srv/models",)),
        (".", (".",)),
        ("models/../etc", ()),
        ("../models", ()),
        ("..", ()),
        ("models/..hidden", ("models/..hidden",)),
        ("models/%2e%2e/x", ("models/%2e%2e/x",)),
        ("Models/Bert", ("Models/Bert",)),
        ("hf://acme/bert", ("hf://acme/bert",)),
        ("hf://acme/../x", ()),
        ("hf://acme//x", ()),
        ("hf://acme/./x", ()),
        ("HF://acme/bert", ()),
        ("file:///models/prod/x", ()),
        ("", ()),
        ("a" * MAX_REFERENCE_CHARS, ("a" * MAX_REFERENCE_CHARS,)),
        ("a" * (MAX_REFERENCE_CHARS + 1), ()),
    ],
)
def test_name_as_given(reference: str, names: tuple[str, ...]) -> None:
    """A path is normalised without touching `..`, and a reference with a scheme is verbatim."""
    assert reference_names(reference) == names


@pytest.mark.parametrize(
    ("resolved", "directory", "names"),
    [
        ("/srv/models/bert", "/srv", ("bert", "models/bert")),
        ("/srv/models/bert", "/srv/", ("bert", "models/bert")),
        ("/srv/models/bert", "/srv/models", ("bert",)),
        ("/srv", "/srv", ("bert", ".")),
        ("/srv/x", "/", ("bert", "srv/x")),
        ("/", "/", ("bert", ".")),
        ("/srvx/y", "/srv", ("bert",)),
        ("/other/y", "/srv", ("bert",)),
        ("srv/models", "/srv", ("bert",)),
        ("/srv/models", "srv", ("bert",)),
        ("/srv/../etc", "/srv", ("bert",)),
        (None, "/srv", ("bert",)),
        ("/srv/models", None, ("bert",)),
    ],
)
def test_name_relative_to_the_policy(
    resolved: str | None, directory: str | None, names: tuple[str, ...]
) -> None:
    """What lies below the policy's directory also has its name relative to that."""
    assert reference_names("./bert", resolved=resolved, directory=directory) == names


def test_dots_leave_the_resolved_name() -> None:
    """A path through `..` is known only by where it leads."""
    names = reference_names("prod/../dev/x", resolved="/srv/dev/x", directory="/srv")
    assert names == ("dev/x",)
