"""The threat model's table names modules and tests that exist."""

import ast
import re
from functools import cache

import pytest

from support.documents import PACKAGE, ROOT, document, sections, table_rows
from weighbridge.core.artifact import FileFormat
from weighbridge.scan.registry import ANALYZERS, NO_ANALYZER_NEEDED

_SPAN = re.compile(r"`([^`]+)`")
COLUMNS = 4


def threats() -> list[tuple[str, ...]]:
    """Return the rows of the table: threat, check, modules, tests."""
    (section,) = [
        s for s in sections(document("docs/threat-model.md")) if s.title == "Threats and checks"
    ]
    return list(table_rows(section.text))


@cache
def functions(path: str) -> frozenset[str]:
    """Return the names of all functions of the test module at *path*."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_the_table_has_its_four_columns() -> None:
    """Every threat has a check, a module and a test; an empty cell would be a gap in the model."""
    rows = threats()
    assert rows
    assert [row for row in rows if len(row) != COLUMNS or not all(row)] == []


def test_threats_are_listed_once() -> None:
    """No threat has two rows that could say different things."""
    names = [row[0] for row in threats()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", threats(), ids=lambda row: row[0][:60])
def test_modules_exist(row: tuple[str, ...]) -> None:
    """Each row names at least one module, and each module that it names is in the package."""
    modules = _SPAN.findall(row[2])
    assert modules
    assert [m for m in modules if not (PACKAGE / m).exists()] == []


@pytest.mark.parametrize("row", threats(), ids=lambda row: row[0][:60])
def test_tests_exist(row: tuple[str, ...]) -> None:
    """Each row names at least one test as `path::name`, and each is a function in that file."""
    tests = [span.split("::") for span in _SPAN.findall(row[3])]
    assert tests
    for path, name in tests:
        assert name.startswith("test_")
        assert name in functions(path), f"{path} has no {name}"


def test_formats_that_are_not_examined_are_admitted() -> None:
    """The known limitations list exactly the formats that no analyzer reads."""
    text = document("docs/threat-model.md")
    (sentence,) = re.findall(
        r"told but not examined, and so they are gaps: (.*?)\. Rules", text, re.DOTALL
    )
    unread = set(FileFormat) - set(ANALYZERS) - set(NO_ANALYZER_NEEDED)
    assert set(_SPAN.findall(sentence)) == {file_format.value for file_format in unread}
