"""Rule `remote-code-auto-map`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "remote-code-auto-map"


def test_vector() -> None:
    """A configuration with a class of the repository is found, an empty map is not."""
    assert_vector_holds(RULE)


def _found(document: object, *, path: str = "config.json") -> list[Finding]:
    data = json.dumps(document).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path=path))


@pytest.mark.parametrize(
    "document",
    [
        {"auto_map": {"AutoTokenizer": ["x.Slow", None]}},
        {"auto_map": ["x.Slow", "x.Fast"]},
        {"auto_map": "x.Model"},
        {"text_config": {"auto_map": {"AutoConfig": "x.Config"}}},
        {"custom_pipelines": {"task": {"impl": "x.Pipeline", "pt": ["AutoModel"]}}},
        [{"auto_map": {"AutoConfig": "x.Config"}}],
        {"custom_generate": "x.y/generate"},
        {"custom_pipeline": "x.y/pipeline"},
    ],
)
def test_every_shape(document: object) -> None:
    """The reference is found in every shape in which frameworks accept one, and at any depth."""
    (finding,) = _found(document)
    assert any("x." in line for line in finding.evidence)


@pytest.mark.parametrize("value", [None, {}, [], "", {"AutoTokenizer": [None, None]}])
def test_nothing_named(value: object) -> None:
    """A map that names nothing is no finding."""
    assert _found({"auto_map": value}) == []


def test_foreign_code() -> None:
    """A reference into another repository is told apart."""
    (finding,) = _found({"auto_map": {"AutoModel": "owner/repo--x.Model"}})
    assert "another repository" in finding.message


def test_escaped_key() -> None:
    """A key written with JSON escapes is the same key."""
    data = b'{"\\u0061uto_map": "x.Model"}'
    assert findings_of(RULE, examined(data, format=FileFormat.JSON))
