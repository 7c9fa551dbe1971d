"""Globs match exactly what their two wildcards say."""

import pytest

from weighbridge.core.limits.policy import MAX_PATTERN_CHARS
from weighbridge.policy.glob import Glob, glob_problem


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("acme/*", ["acme/bert", "acme/"], ["acme/bert/v1", "acme", "Acme/bert", "xacme/bert"]),
        ("models/prod/**", ["models/prod/a", "models/prod/a/b"], ["models/prod", "models/dev/a"]),
        ("**", ["", "a", "a/b", "/a"], []),
        ("*", ["", "a", ".hidden"], ["a/b", "/"]),
        ("a*b", ["ab", "axb", "axxb", "abab"], ["a/b", "axbx", "b"]),
        ("a**b", ["ab", "a/b", "ax/yb"], ["a/bx", "ba"]),
        ("**/x", ["a/x", "/x", "a/b/x"], ["x", "a/xy"]),
        ("bert", ["bert"], ["bert ", "Bert", "ber", "bertt", ""]),
        ("hf://acme/*@v1", ["hf://acme/bert@v1"], ["hf://acme/bert@v2", "hf:/acme/bert@v1"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_matching(pattern: str, matching: list[str], others: list[str]) -> None:
    """`*` stays within a segment, `**` crosses segments, all else is literal and whole."""
    glob = Glob(pattern)
    assert [name for name in matching + others if glob.matches(name)] == matching


def test_adversarial_pattern_is_linear() -> None:
    """A pattern that makes backtracking matchers exponential is decided like any other."""
    assert not Glob("*a" * 400 + "*b").matches("a" * 4000)
    assert Glob("**a" * 300 + "**b").matches("a" * 4000 + "b")


@pytest.mark.parametrize(
    ("pattern", "fragment"),
    [
        ("", "is empty"),
        ("a?b", "has ?"),
        ("[ab]", "has [ ]"),
        ("{a,b}", "has { }"),
        ("a\\b", "has \\"),
        ("a***", "more than two"),
        ("a" * (MAX_PATTERN_CHARS + 1), "characters"),
    ],
)
def test_foreign_syntax_is_a_problem(pattern: str, fragment: str) -> None:
    """Syntax that only other tools know is refused and not taken literally."""
    problem = glob_problem(pattern)
    assert problem is not None
    assert fragment in problem


@pytest.mark.parametrize("pattern", ["a", "*", "**", "a*b**c", "a" * MAX_PATTERN_CHARS])
def test_own_syntax_is_no_problem(pattern: str) -> None:
    """Patterns of literals and the two wildcards are fine up to the limit."""
    assert glob_problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "wildcard", "unbounded"),
    [("a", False, False), ("*", True, True), ("**/*", True, True), ("*.py", True, False)],
)
def test_reach(pattern: str, *, wildcard: bool, unbounded: bool) -> None:
    """A pattern without a letter or digit narrows nothing down."""
    assert Glob(pattern).has_wildcard is wildcard
    assert Glob(pattern).is_unbounded is unbounded
