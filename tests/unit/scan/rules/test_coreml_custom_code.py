"""Rule `coreml-custom-code`."""

import pytest

from support.protobuf import field
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat

RULE = "coreml-custom-code"
CUSTOM = field(555, field(10, "Loader"))
LAYER = field(500, field(1, field(500, field(10, "Loader"))))
LINKED = field(556, field(1, field(1, field(1, "other.mlmodelc"))))


def test_vector() -> None:
    """A model that is a class of the program is found, the identity is not."""
    assert_vector_holds(RULE)


def model(body: bytes) -> bytes:
    """Return a Core ML model."""
    return field(1, 4) + body


@pytest.mark.parametrize(
    ("body", "hit"),
    [
        (CUSTOM, True),
        (LAYER, True),
        (LINKED, True),
        (field(3000, field(1, "kind") + field(2, b"bytes")), True),
        (field(202, field(1, model(CUSTOM))), True),
        (field(200, field(1, field(1, model(LAYER)))), True),
        (field(900, b""), False),
        (field(500, field(1, field(130, field(10, b"")))), False),
        (field(202, field(1, model(field(900, b"")))), False),
    ],
)
def test_places(body: bytes, hit: bool) -> None:
    """Classes and models that are named are found, within pipelines as well."""
    evidence = examined(model(body), format=FileFormat.COREML)
    assert bool(findings_of(RULE, evidence)) == hit


def test_deep_pipelines() -> None:
    """Pipelines within pipelines end in a gap, not in a crash."""
    body = field(900, b"")
    for _ in range(200):
        body = field(202, field(1, model(body)))
    (gap,) = examined(model(body), format=FileFormat.COREML)
    assert "messages within messages" in getattr(gap, "reason", "")
