"""`docs/errors.md` has a section for every code, and each is true of the code."""

import re
from functools import cache

import pytest

from support.documents import PACKAGE, Section, document, sections
from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.record.catalogue import explanation

LABELS = ("Means", "Why", "Example", "Do")


@cache
def catalogue() -> dict[str, Section]:
    """Return the sections about codes by their titles."""
    return {s.title: s for s in sections(document("docs/errors.md")) if s.level == 2}


@cache
def used() -> frozenset[str]:
    """Return the names of all codes that the source mentions outside the list of codes."""
    texts = (p.read_text() for p in sorted(PACKAGE.rglob("*.py")) if p.name != "codes.py")
    return frozenset(name for text in texts for name in re.findall(r"\bCode\.([A-Z0-9_]+)", text))


def test_every_code_has_a_section() -> None:
    """The catalogue has one section for every code, and none besides."""
    titles = [s.title for s in sections(document("docs/errors.md")) if s.level == 2]
    assert sorted(titles) == sorted(code.value for code in Code)


@pytest.mark.parametrize("code", sorted(Code))
def test_every_code_is_used(code: Code) -> None:
    """Some module gives the code; a code that nothing gives would be documented in vain."""
    assert code.name in used()


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_a_section_says_what_a_reader_needs(code: str) -> None:
    """A section has its four paragraphs in order: what it means, why, an example, what to do."""
    labels = re.findall(r"^\*\*(\w+)\.\*\*", catalogue()[code].text, re.MULTILINE)
    assert tuple(labels) == LABELS


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_an_example_shows_the_code(code: str) -> None:
    """The example is a message that ends with the code, or the member of a JSON document."""
    example = catalogue()[code].text.split("**Example.**", 1)[1].split("**Do.**", 1)[0]
    assert f"[{code}]" in example or f'"code": "{code}"' in example


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_a_code_can_be_explained(code: str) -> None:
    """What `weighbridge explain CODE` prints is the section, under the code."""
    assert explanation(code).startswith(f"{code}\n\n{catalogue()[code].text}")


@pytest.mark.parametrize("code", ["picklescan:dangerous-import", "acme:X.1"])
def test_other_scanners_findings_are_explained(code: str) -> None:
    """Whose finding it is, and what can be done, is said of every scanner's rule."""
    text = explanation(code)
    assert text.startswith(f"{code}\n")
    assert "suppressed" in text


@pytest.mark.parametrize("code", ["picklescan:", ":x", "A:x", "a b:x", "{scanner}:x"])
def test_other_names_are_not_explained(code: str) -> None:
    """A name that no finding can have is no code."""
    with pytest.raises(UsageError):
        explanation(code)
