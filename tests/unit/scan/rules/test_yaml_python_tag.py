"""Rule `yaml-python-tag`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Gap

RULE = "yaml-python-tag"


def test_vector() -> None:
    """A tag that runs a command is found, the same text without the marks is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/name:os.system\n",
        "a: !<tag:yaml.org,2002:python/object/new:os.system> []\n",
        "a: !!p%79thon/object/apply:os.system []\n",
        "[!!python/tuple []]\n",
        "a: !ruby/object:Gem {}\n",
        "%TAG !p! tag:yaml.org,2002:py\n---\na: !p!thon/name:os.system\n",
    ],
)
def test_found(text: str) -> None:
    """Each way to write a tag of a language is found."""
    assert findings_of(RULE, examined(text.encode(), format=FileFormat.YAML))


@pytest.mark.parametrize(
    "text", ["a: !!str python\n", "a: wow!python/x\n", "a: !important\n", "a: 'python/object'\n"]
)
def test_not_found(text: str) -> None:
    """Tags of YAML itself and exclamation marks in prose are not found."""
    assert examined(text.encode(), format=FileFormat.YAML) == ()


def test_other_encodings() -> None:
    """A file in none of the encodings that YAML readers take is a gap."""
    assert examined("a: é\n".encode("utf-16"), format=FileFormat.YAML) == ()
    (gap,) = examined("a: é\n".encode("latin-1"), format=FileFormat.YAML)
    assert isinstance(gap, Gap)
