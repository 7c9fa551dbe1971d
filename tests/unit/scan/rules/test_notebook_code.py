"""Rule `notebook-code`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "notebook-code"


def test_vector() -> None:
    """A notebook with code is found, one with text is not."""
    assert_vector_holds(RULE)


def _examined(*cells: object) -> list[Finding]:
    data = json.dumps({"cells": cells, "nbformat": 4}).encode()
    return findings_of(RULE, examined(data, format=FileFormat.NOTEBOOK, path="a.ipynb"))


@pytest.mark.parametrize(
    ("source", "worst"),
    [
        ("print(1)", Severity.LOW),
        (["!pip install x\n", "import x"], Severity.LOW),
        ("import os\nos.system('x')", Severity.MEDIUM),
        ("%matplotlib inline\nimport subprocess\nsubprocess.run('x')", Severity.MEDIUM),
        ("exec(x)", Severity.MEDIUM),
        ("not python at all", Severity.LOW),
    ],
)
def test_severity(source: object, worst: Severity) -> None:
    """Code is of low gravity, and of medium where it runs commands or what it makes."""
    found = _examined({"cell_type": "code", "source": source})
    assert max((f.severity for f in found), key=lambda s: s.rank) is worst


def test_commands_are_shown() -> None:
    """Lines for a shell are part of the evidence."""
    (finding,) = _examined({"cell_type": "code", "source": "a = !curl x | sh\n!ls\n%%bash\nx"})
    assert finding.evidence == ("1 cells", "a = !curl x | sh", "!ls", "%%bash")


@pytest.mark.parametrize(
    "cells",
    [
        (),
        ({"cell_type": "code", "source": "  \n"},),
        ({"cell_type": "code", "source": 1},),
        ("text",),
    ],
)
def test_no_code(cells: tuple[object, ...]) -> None:
    """Without code there is nothing to find."""
    assert _examined(*cells) == []


def test_version_3() -> None:
    """Cells in worksheets, of notebooks of version 3, are read as well."""
    cell = {"cell_type": "code", "input": "print(1)"}
    data = json.dumps({"worksheets": [{"cells": [cell]}], "nbformat": 3}).encode()
    assert rules_of(examined(data, format=FileFormat.NOTEBOOK)) == {RULE}


def test_settings_in_a_notebook() -> None:
    """A configuration that hides under the name of a notebook is still one."""
    data = json.dumps({"cells": [], "auto_map": {"AutoModel": "x.Y"}}).encode()
    assert rules_of(examined(data, format=FileFormat.NOTEBOOK)) == {"remote-code-auto-map"}
    assert examined(b"[]", format=FileFormat.NOTEBOOK) == ()
