"""Rule `remote-code-trusted`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "remote-code-trusted"


def test_vector() -> None:
    """Arguments that trust remote code are found, arguments that do not are not."""
    assert_vector_holds(RULE)


def _found(document: object, *, path: str = "config.json") -> list[Finding]:
    data = json.dumps(document).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path=path))


@pytest.mark.parametrize("value", [True, 1, "true", "yes", ["x"]])
def test_truthy(value: object) -> None:
    """Whatever a framework would take for true is found."""
    assert _found({"trust_remote_code": value})


@pytest.mark.parametrize("value", [False, None, 0, "false"])
def test_falsy(value: object) -> None:
    """What a framework takes for false is not found."""
    assert not _found({"trust_remote_code": value})
