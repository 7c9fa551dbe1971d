"""Patterns for who signed: what a wildcard stands for, and what it must not."""

import pytest

from weighbridge.policy.glob import IdentityGlob

WORKFLOW = "https://github.com/acme/models/.github/workflows/release.yml"
TAGS = f"{WORKFLOW}@refs/tags/*"
ANY_WORKFLOW = "https://github.com/acme/models/**@refs/tags/*"


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (TAGS, f"{WORKFLOW}@refs/tags/v1.2.3-rc+1"),
        (f"{WORKFLOW}@refs/tags/*@*", f"{WORKFLOW}@refs/tags/model@1.2"),
        (f"{WORKFLOW}@refs/tags/**", f"{WORKFLOW}@refs/tags/a/b"),
        (ANY_WORKFLOW, f"{WORKFLOW}@refs/tags/v1"),
        ("*@acme.example", "ada@acme.example"),
        ("ada@acme.example", "ada@acme.example"),
        ("https://a.example/%2F?x#y", "https://a.example/%2F?x#y"),
        ("https://a.example/%2F?x#*", "https://a.example/%2F?x#y"),
    ],
)
def test_matches(pattern: str, name: str) -> None:
    """A wildcard stands for the letters, digits and marks that names are made of."""
    assert IdentityGlob(pattern).matches(name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        # another place that contains the right one
        (TAGS, f"{WORKFLOW}@refs/heads/x@refs/tags/v1"),
        (ANY_WORKFLOW, f"{WORKFLOW}@refs/heads/x@refs/tags/v1"),
        ("*@acme.example", "mallory@evil.example@acme.example"),
        ("https://github.com/acme/**", "https://github.com/acme/x@refs/heads/evil"),
        # prefixes and suffixes
        (TAGS, f"x{WORKFLOW}@refs/tags/v1"),
        (TAGS, f"{WORKFLOW}@refs/tags/v1/evil"),
        (TAGS, f"{WORKFLOW}@refs/tags/v1 evil"),
        ("*@acme.example", "ada@acme.example.evil.example"),
        ("*@acme.example", "ada@acme.example\n"),
        ("*@acme.example", "\nada@acme.example"),
        ("*@acme.example", "a\nda@acme.example"),
        ("*@acme.example", "a\x00da@acme.example"),
        ("*@acme.example", "ada\r@acme.example"),
        ("*@acme.example", "ada\u2028@acme.example"),
        ("*@acme.example", "\u202eada@acme.example"),
        ("*@acme.example", "\uff41da@acme.example"),
        ("*@acme.example", "*@acme.example"),
        # other spellings
        ("*@acme.example", "ada@ACME.example"),
        (TAGS, f"{WORKFLOW}@refs/Tags/v1"),
        (TAGS, TAGS.replace("acme", "\u0430cme")),
        (TAGS, f"{WORKFLOW}@refs/tags/a%2Fb"),
        (TAGS, f"{WORKFLOW}@refs/tags/a?b"),
        (TAGS, f"{WORKFLOW}@refs/tags/a#b"),
        (TAGS, f"{WORKFLOW}@refs/tags/a\\b"),
        # dots and nothing
        (ANY_WORKFLOW, "https://github.com/acme/models/../evil/release.yml@refs/tags/v1"),
        (ANY_WORKFLOW, "https://github.com/acme/models/./release.yml@refs/tags/v1"),
        (ANY_WORKFLOW, "https://github.com/acme/models//release.yml@refs/tags/v1"),
        # a pattern without a wildcard is a name
        ("ada@acme.example", "ada@acme.example "),
        ("ada@acme.example", "ada@acme.exampl"),
        ("a.a@acme.example", "axa@acme.example"),
    ],
)
def test_does_not_match(pattern: str, name: str) -> None:
    """A wildcard reaches over no `@`, no mark of a URI, no line break and nothing foreign."""
    assert not IdentityGlob(pattern).matches(name)


def test_says_whether_it_names_somebody() -> None:
    """A pattern without a letter or digit names nobody in particular."""
    assert IdentityGlob("**").is_unbounded
    assert not IdentityGlob("*@acme.example").is_unbounded
