"""Rule `script-file`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RULE = "script-file"


def test_vector() -> None:
    """A script is found, the same text without an interpreter is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize("name", ["x.sh", "x.PS1", "x.bat", "x.r"])
def test_suffixes(name: str) -> None:
    """Text that a double click would run is found by its suffix."""
    assert findings_of(RULE, examined(b"echo", format=FileFormat.TEXT, path=name))


@pytest.mark.parametrize("name", ["x.txt", "LICENSE", "vocab.bpe", "sh"])
def test_other_text(name: str) -> None:
    """Other text is not found."""
    assert examined(b"echo", format=FileFormat.TEXT, path=name) == ()


def test_path_configuration() -> None:
    """A .pth file of text that `site` would execute is found, one of paths is not."""
    assert findings_of(RULE, examined(b"import os\n", format=FileFormat.TEXT, path="x.pth"))
    assert not findings_of(RULE, examined(b"./lib\n", format=FileFormat.TEXT, path="x.pth"))


def test_python_script() -> None:
    """A script for Python is read as Python source as well."""
    data = b"#!/usr/bin/env python3\nimport os\nos.system('touch marker')\n"
    found = rules_of(examined(data, format=FileFormat.SCRIPT, path="x"))
    assert found == {RULE, "remote-code-python-file", "python-dangerous-call"}


@pytest.mark.parametrize("setting", ["fsmonitor = touch marker", "sshCommand=x", "hooksPath = ."])
def test_repository_in_the_model(setting: str) -> None:
    """Settings of git that name a program are found, where git looks for them."""
    data = f"[core]\n\t{setting}\n".encode()
    assert findings_of(RULE, examined(data, format=FileFormat.TEXT, path="x/config"))
    assert examined(data, format=FileFormat.TEXT, path="x/config.txt") == ()


@pytest.mark.parametrize("setting", ["fsmonitor = true", "fsmonitor=", "bare = true"])
def test_harmless_repository(setting: str) -> None:
    """Settings that name none are not found."""
    data = f"[core]\n\t{setting}\n".encode()
    assert examined(data, format=FileFormat.TEXT, path="config") == ()
