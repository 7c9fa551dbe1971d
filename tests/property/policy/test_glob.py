"""The matcher agrees with the definition of globs."""

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.policy.glob import Glob, glob_problem

PATTERNS = st.lists(st.sampled_from(["a", "b", "/", ".", "*", "**"]), max_size=8).map("".join)
NAMES = st.text(alphabet="ab/.é", max_size=10)


def matches_naively(pattern: str, name: str) -> bool:
    """Match by the definition, trying every split."""
    if not pattern:
        return not name
    if pattern.startswith("**"):
        return any(matches_naively(pattern[2:], name[i:]) for i in range(len(name) + 1))
    if pattern.startswith("*"):
        runs = [i for i in range(len(name) + 1) if "/" not in name[:i]]
        return any(matches_naively(pattern[1:], name[i:]) for i in runs)
    return name[:1] == pattern[0] and matches_naively(pattern[1:], name[1:])


@given(pattern=PATTERNS.filter(lambda p: p == "" or glob_problem(p) is None), name=NAMES)
def test_agrees_with_the_definition(pattern: str, name: str) -> None:
    """The automaton accepts a name exactly when some split of it fits the pattern."""
    assert Glob(pattern).matches(name) is matches_naively(pattern, name)


@given(name=st.text(max_size=40))
def test_literal_matches_only_itself(name: str) -> None:
    """A pattern without wildcards matches itself and nothing that is longer."""
    pattern = name.replace("*", "")
    assert Glob(pattern).matches(pattern)
    assert not Glob(pattern).matches(pattern + "x")
