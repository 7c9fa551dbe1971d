"""Rule `attention-kernel`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "attention-kernel"


def test_vector() -> None:
    """An implementation from a hub is found, one of the library is not."""
    assert_vector_holds(RULE)


def _found(document: object, *, path: str = "config.json") -> list[Finding]:
    data = json.dumps(document).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path=path))


@pytest.mark.parametrize(
    "value", ["a/b", "a/b:f", "paged|a/b", {"text_config": "a/b"}, {"": "sdpa", "vision": "a/b@v1"}]
)
def test_fetched(value: object) -> None:
    """A repository is found alone, behind a mode, and for a part of the model."""
    assert _found({"_attn_implementation": value})


@pytest.mark.parametrize(
    "document",
    [
        {"_experts_implementation": "a/b"},
        {"experts_implementation": "a/b"},
        {"kernel_mapping": {"RMSNorm": "a/b:Norm"}},
    ],
)
def test_other_kernels(document: object) -> None:
    """Kernels for other parts of a model are found as well."""
    data = json.dumps(document).encode()
    assert findings_of(RULE, examined(data, format=FileFormat.JSON))


@pytest.mark.parametrize("value", ["eager", "paged|sdpa", {"": "eager", "n": 1}, None, 5])
def test_built_in(value: object) -> None:
    """Names of the library's own implementations are not found."""
    assert not _found({"_attn_implementation": value})
