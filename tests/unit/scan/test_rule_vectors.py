"""Each rule has a vector and a test, and the vectors' files are what they say they are."""

from pathlib import Path
from typing import Final

import pytest

from support.rule_vectors import FOLDER, VectorFile, read_rule_vector
from weighbridge.core.content import BytesSource
from weighbridge.formats.sniff import sniff
from weighbridge.scan import registry

_TESTS: Final = Path(__file__).parent / "rules"
_RULES: Final = [path.stem for path in sorted(FOLDER.glob("*.json"))]


def test_every_rule_has_a_test() -> None:
    """There is one test file for each rule, and none without one."""
    tested = {path.stem.removeprefix("test_") for path in _TESTS.glob("test_*.py")}
    assert tested == {rule.replace("-", "_") for rule in registry.RULES}


def test_every_rule_has_a_vector() -> None:
    """There is one vector for each rule, and none without one."""
    assert set(_RULES) == set(registry.RULES)


@pytest.mark.parametrize("rule", _RULES)
def test_formats(rule: str) -> None:
    """The formats in a vector are those that its bytes and names are told to have."""
    vector = read_rule_vector(rule)
    files: tuple[VectorFile, ...] = (*vector.bad, *vector.twin)
    for each in files:
        sniffed = sniff(BytesSource(each.data), name=each.path)
        assert (sniffed.format, sniffed.suffix_format) == (each.format, each.suffix_format)


@pytest.mark.parametrize("rule", _RULES)
def test_twins(rule: str) -> None:
    """A twin differs from what the rule finds, and a vector says what it is about."""
    vector = read_rule_vector(rule)
    assert vector.bad != vector.twin
    assert vector.bad
    assert vector.twin
    assert vector.description
