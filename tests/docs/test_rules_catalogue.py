"""The catalogue of rules has one section for each rule that there is, and no other."""

import re
from pathlib import Path
from typing import Final

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.evidence import Severity
from weighbridge.scan import registry

_TEXT: Final = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
_SECTION: Final = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_SECTIONS: Final[dict[str, str]] = dict(_SECTION.findall(_TEXT))
_PARTS: Final = ("**What it means.**", "**Why it matters.**", "**Example.**", "**What to do.**")


def test_sections_are_the_rules() -> None:
    """Every rule is documented, and everything documented is a rule."""
    assert set(_SECTIONS) == set(registry.RULES)


def test_sections_are_sorted() -> None:
    """A reader finds a rule by its name."""
    assert list(_SECTIONS) == sorted(_SECTIONS)


@pytest.mark.parametrize("rule_id", registry.RULES)
def test_section_is_complete(rule_id: str) -> None:
    """A section says what the rule means, why it matters, an example and what to do, in order."""
    positions = [_SECTIONS[rule_id].find(part) for part in _PARTS]
    assert -1 not in positions
    assert positions == sorted(positions)


@pytest.mark.parametrize("rule_id", registry.RULES)
def test_section_names_the_severity(rule_id: str) -> None:
    """A section names the severity that the rule has by default."""
    severity: Severity = registry.load_rule(rule_id).severity
    meaning = _SECTIONS[rule_id].partition("**Why it matters.**")[0]
    assert re.search(rf"\b{severity}\b", meaning, re.IGNORECASE)


def test_names_shared_with_error_codes() -> None:
    """Rules and codes share a name space; the one name in both means the same in both."""
    shared = set(registry.RULES) & {str(code) for code in Code}
    assert shared == {"suffix-lies"}
