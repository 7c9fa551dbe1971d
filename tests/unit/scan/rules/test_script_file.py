"""Rule `script-file`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Finding, Gap, Severity

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


def _json(path: str, document: object, *, padding: int = 0) -> tuple[Finding | Gap, ...]:
    """Return what is found in a JSON document, which has *padding* besides."""
    content = (
        document if not padding else {**dict.fromkeys(map(str, range(padding))), "x": document}
    )
    return examined(json.dumps(content).encode(), format=FileFormat.JSON, path=path)


@pytest.mark.parametrize("path", [".vscode/tasks.json", "a.code-workspace"])
@pytest.mark.parametrize("padding", [0, 50_000])
def test_tasks_of_an_editor(path: str, padding: int) -> None:
    """A task that runs when the folder is opened is found, another is not."""
    task = {"command": "touch marker", "runOptions": {"runOn": "folderOpen"}}
    (finding,) = findings_of(RULE, _json(path, {"tasks": [task]}, padding=padding))
    assert finding.severity is Severity.MEDIUM
    assert not _json(path, {"tasks": [{**task, "runOptions": {"runOn": "default"}}]})


@pytest.mark.parametrize("path", [".vscode/tasks.json", "a.code-workspace"])
def test_comments(path: str) -> None:
    """Editors read comments in JSON; a file that has some is not strict JSON, which is a gap."""
    data = b'{"tasks": [] /* more */}'
    assert rules_of(examined(data, format=FileFormat.TEXT, path=path)) == {Code.SCAN_MALFORMED}
    assert not examined(b"{}", format=FileFormat.TEXT, path=path)


@pytest.mark.parametrize("key", ["initializeCommand", "postCreateCommand", "postStartCommand"])
@pytest.mark.parametrize("command", ["touch marker", ["touch", "marker"], {"a": "touch marker"}])
def test_development_containers(key: str, command: object) -> None:
    """A command of a development container is found under the names that editors look for."""
    path = ".devcontainer/devcontainer.json"
    (finding,) = findings_of(RULE, _json(path, {"image": "x", key: command}))
    assert finding.severity is Severity.MEDIUM
    assert findings_of(RULE, _json(".devcontainer.json", {key: command}))
    assert not _json(path, {"image": "x", key: ""})
    assert not _json("container.json", {key: command})


@pytest.mark.parametrize("hook", ["preinstall", "install", "postinstall", "prepare"])
def test_hooks_of_npm(hook: str) -> None:
    """A script that npm runs by itself is found, one that is asked for is not."""
    assert findings_of(RULE, _json("package.json", {"scripts": {hook: "touch marker"}}))
    assert not _json("package.json", {"scripts": {"test": "touch marker", hook: ""}})
    assert not _json("package.json", {"scripts": "x"})
    assert not _json("x.json", {"scripts": {hook: "touch marker"}})


@pytest.mark.parametrize(
    ("path", "text", "severity"),
    [
        ("pyproject.toml", "[build-system]\nbuild-backend='x'\nbackend-path=['.']", "medium"),
        ("pyproject.toml", "[build-system]\nbuild-backend = 'setuptools.build_meta'", "low"),
        ("pyproject.toml", "[build-system\nno TOML", "medium"),
        ("pyproject.toml", "build-system = 1", "medium"),
        ("pyproject.toml", "[tool.ruff]\nline-length = 100", None),
        ("setup.cfg", "[options]\ncmdclass = build_py = x.Build", "medium"),
        ("setup.cfg", "[global]\nsetup-hooks = x.hook", "medium"),
        ("setup.cfg", "[metadata]\nname = x", "low"),
        ("setup.cfg", "no section", "medium"),
        ("setup.cfg", "[flake8]\nmax-line-length = 100", None),
        ("other.cfg", "[options]\ncmdclass = build_py = x.Build", None),
    ],
)
def test_packages(path: str, text: str, severity: str | None) -> None:
    """Code of the folder that builds a package weighs more than a package that does."""
    found = examined(text.encode(), format=FileFormat.TEXT, path=path)
    assert [finding.severity for finding in findings_of(RULE, found)] == (
        [] if severity is None else [Severity(severity)]
    )
