"""Rule `modules-import`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "modules-import"


def test_vector() -> None:
    """A class of another package is found, one of sentence_transformers is not."""
    assert_vector_holds(RULE)


def _found(document: object, *, path: str = "config.json") -> list[Finding]:
    data = json.dumps(document).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path=path))


@pytest.mark.parametrize("name", ["os.system", "sentence_transformers_x.Y", "", None, ["a"]])
def test_other_classes(name: object) -> None:
    """Anything but a name within sentence_transformers is found."""
    assert _found([{"idx": 0, "path": "", "type": name}])


def test_other_documents() -> None:
    """Lists of other objects are not modules."""
    assert not _found([{"type": "x"}])
    assert not _found({"type": "os.system", "path": ""})


def test_routers() -> None:
    """The classes to which a router sends its inputs are judged like modules."""
    document: dict[str, object] = {"types": {"query_0": "evil.Module"}, "structure": {}}
    (finding,) = _found(document)
    assert finding.evidence == ("/types/query_0: 'evil.Module'",)
    document["types"] = {"query_0": "sentence_transformers.models.StaticEmbedding"}
    assert not _found(document)
    assert not _found({"types": {"query_0": "evil.Module"}})
