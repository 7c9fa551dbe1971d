"""Rule `dependency-source`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "dependency-source"


def test_vector() -> None:
    """An index that a model brings along is found, a pinned package is not."""
    assert_vector_holds(RULE)


def _found(text: str, *, path: str = "requirements.txt") -> list[Finding]:
    kind = FileFormat.YAML if path.endswith("yaml") else FileFormat.TEXT
    return findings_of(RULE, examined(text.encode(), format=kind, path=path))


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("--index-url=http://packages.example/simple", Severity.MEDIUM),
        ("-i https://packages.example/simple", Severity.LOW),
        ("--find-links wheels", Severity.MEDIUM),
        ("--trusted-host packages.example", Severity.MEDIUM),
        ("x @ https://packages.example/x-1.0-py3-none-any.whl", Severity.MEDIUM),
        ("https://packages.example/x.zip", Severity.MEDIUM),
        ("x @ file:///tmp/x", Severity.MEDIUM),
        ("./x-1.0.tar.gz", Severity.MEDIUM),
        ("-e .", Severity.MEDIUM),
        ("x @ git+https://code.example/x@0123", Severity.LOW),
    ],
)
def test_origins(line: str, severity: Severity) -> None:
    """Each other origin of a package is found, and one within a comment is not."""
    (finding,) = _found(f"numpy\n{line}\n")
    assert finding.severity is severity
    assert finding.evidence == (f"line 2: {line}",)
    assert not _found(f"numpy  # {line}\n")


@pytest.mark.parametrize(
    "text", ["numpy>=2 ; python_version < '3.13'\n", "-r other.txt\n", "torch==2.1.0+cpu\n", "\n"]
)
def test_ordinary_lines(text: str) -> None:
    """Names, versions, markers and other lists of the same model are not found."""
    assert _found(text) == []


def test_environments_of_mlflow() -> None:
    """An environment in YAML is read as well, under the names that MLflow gives it."""
    text = "dependencies:\n- python=3.11\n- pip:\n  - --extra-index-url http://packages.example\n"
    assert _found(text, path="conda.yaml")
    assert not _found(text, path="config.yaml")
    assert not _found("dependencies:\n- python=3.11\n- pip:\n  - numpy\n", path="conda.yaml")
