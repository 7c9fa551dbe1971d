"""Rule `shard-index-path`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "shard-index-path"


def test_vector() -> None:
    """A path out of the model is found, a file beside the index is not."""
    assert_vector_holds(RULE)


def _found(
    target: object, *, path: str = "model.bin.index.json", siblings: frozenset[str] = frozenset()
) -> list[Finding]:
    data = json.dumps({"weight_map": {"w": target}}).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path=path, siblings=siblings))


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "a\\x", "c:x", "s3://x", "x\0"])
def test_outside(name: str) -> None:
    """Every way to name a file elsewhere is found."""
    (finding,) = _found(name)
    assert finding.severity is Severity.HIGH


def test_missing() -> None:
    """A file that is not there is a small finding, once for all its tensors."""
    data = json.dumps({"weight_map": {"a": "x.bin", "b": "x.bin"}}).encode()
    (finding,) = findings_of(RULE, examined(data, format=FileFormat.JSON))
    assert finding.severity is Severity.LOW


def test_present_beside_an_index_in_a_directory() -> None:
    """Names are relative to the index's directory."""
    path = "unet/model.bin.index.json"
    assert not _found("x.bin", path=path, siblings=frozenset({"unet/x.bin"}))
    assert _found("x.bin", path=path, siblings=frozenset({"x.bin"}))


def test_safetensors_index_that_points_at_a_pickle() -> None:
    """An index of safetensors that names another kind of file is found, even if it is there."""
    (finding,) = _found("x.bin", path="model.safetensors.index.json", siblings=frozenset({"x.bin"}))
    assert finding.severity is Severity.MEDIUM


def test_other_types() -> None:
    """A map or a name of another type is found."""
    assert _found(["x"])[0].severity is Severity.LOW
    data = json.dumps({"weight_map": "x"}).encode()
    assert findings_of(RULE, examined(data, format=FileFormat.JSON))
