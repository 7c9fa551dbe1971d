"""Rule `modules-path`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "modules-path"
KIND = "sentence_transformers.models.Transformer"


def test_vector() -> None:
    """A module outside the model is found, one in a folder of it is not."""
    assert_vector_holds(RULE)


def _found(document: object) -> list[Finding]:
    data = json.dumps(document).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path="modules.json"))


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/tmp/x", "..\\x", "C:\\x", "~/x", "https://attacker.example/x"]
)
def test_outside(path: str) -> None:
    """Each path that leads out of the model on some system is found."""
    (finding,) = _found([{"idx": 0, "path": "", "type": KIND}, {"path": path, "type": KIND}])
    assert finding.evidence == (f"/1/path: {path}",)


@pytest.mark.parametrize("path", ["", "1_Pooling", "a/b", "./a", "a..b", None, 1])
def test_inside(path: object) -> None:
    """The model's own directory, folders in it, and what is no path are not found."""
    assert not _found([{"idx": 0, "path": path, "type": KIND}])


def test_routers() -> None:
    """A router loads each module from the path that is its name."""
    document: dict[str, object] = {"types": {"../query": KIND}, "structure": {}}
    (finding,) = _found(document)
    assert finding.evidence == ("/types: ../query",)
    assert not _found({**document, "types": {"query_0_Transformer": KIND}})
    assert not _found({"types": {"../query": KIND}})
