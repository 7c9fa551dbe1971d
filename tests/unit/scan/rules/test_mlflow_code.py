"""Rule `mlflow-code`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "mlflow-code"


def test_vector() -> None:
    """A model that is loaded by running a file is found, a pickled one is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("model_code_path: model.py\n", Severity.HIGH),
        ("code_paths:\n- code\n", Severity.MEDIUM),
        ("flavors:\n  python_function:\n    code: code\n", Severity.MEDIUM),
        ("flavors:\n  python_function:\n    python_model: python_model.pkl\n", Severity.MEDIUM),
        ("flavors: {python_function: {'python_model': 'x'}}\n", Severity.MEDIUM),
        ('flavors:\n  python_function:\n    "python_model" : &x "y"\n', Severity.MEDIUM),
    ],
)
def test_keys(text: str, severity: Severity) -> None:
    """A file that is run is grave, a folder to import from and a pickled class are less."""
    (finding,) = findings_of(RULE, examined(text.encode(), format=FileFormat.YAML, path="MLmodel"))
    assert finding.severity is severity


@pytest.mark.parametrize(
    "text", ["model_code_path: null\n", "code: 1\n", "code_path: x\n", "python_model: x\n"]
)
def test_not_found(text: str) -> None:
    """No value, other keys, and `code` in another file are not found."""
    assert not findings_of(RULE, examined(text.encode(), format=FileFormat.YAML, path="a.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n",
        "python_model: null\n",
        "python_model: ~\n",
        "my_python_model: x\n",
        "python_model_compression: gzip\n",
    ],
)
def test_flavors(text: str) -> None:
    """A model of a flavor of MLflow, and keys that name no class, are not found."""
    assert not findings_of(RULE, examined(text.encode(), format=FileFormat.TEXT, path="MLmodel"))
