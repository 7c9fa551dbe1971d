"""Rule `config-target`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "config-target"


def test_vector() -> None:
    """A target that runs a command is found, a misspelt key is not."""
    assert_vector_holds(RULE)


def _found(document: object, *, path: str = "config.json") -> list[Finding]:
    data = json.dumps(document).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path=path))


@pytest.mark.parametrize(
    ("target", "severity"),
    [
        ("os.system", Severity.CRITICAL),
        ("builtins.eval", Severity.CRITICAL),
        ("eval", Severity.CRITICAL),
        ("subprocess.Popen", Severity.CRITICAL),
        ("mypackage.Model", Severity.HIGH),
        ("nemo.utils.run_command", Severity.HIGH),
        ("nemo.collections.asr.models.EncDecCTCModel", Severity.LOW),
    ],
)
def test_severity(target: str, severity: Severity) -> None:
    """A target is as grave as what it names: modules of the system, anything, a framework's class."""
    (finding,) = _found({"a": {"_target_": target}})
    assert finding.severity is severity


def test_target_that_is_no_string() -> None:
    """A target of another type is found: who reads it may accept it."""
    (finding,) = _found({"_target_": ["os.system"]})
    assert finding.severity is Severity.HIGH


def test_loader_module() -> None:
    """MLflow's loader module is found unless it is one of MLflow's own."""
    assert _found({"loader_module": "evil"})
    assert not _found({"loader_module": "mlflow.sklearn"})


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  _target_: os.system\n",
        "a: {_target_: 'os.system'}\n",
        '"\\x5ftarget_": os.system\n',
        '"_tar\\\n   get_": os.system\n',
        "_target_:\n  os.system\n",
    ],
)
def test_yaml(text: str) -> None:
    """In YAML the target is found in every way to write the key."""
    (finding,) = findings_of(RULE, examined(text.encode(), format=FileFormat.YAML))
    assert finding.severity is Severity.CRITICAL
    assert "line" in finding.evidence[0]


def test_yaml_without_target() -> None:
    """A key that only contains the word is not found."""
    assert not findings_of(RULE, examined(b"my_target_: x\n", format=FileFormat.YAML))
