"""Rule `keras-unsafe-layer`."""

import pytest

from support.keras import examined_model, layer
from support.rule_vectors import assert_vector_holds, findings_of
from weighbridge.core.evidence import Severity

RULE = "keras-unsafe-layer"


def test_vector() -> None:
    """A layer that unpickles is found, one that computes is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    "name", ["TFSMLayer", "JaxLayer", "FlaxLayer", "InstanceMethod", "ReloadedLayer"]
)
def test_found(name: str) -> None:
    """Each layer that loads or calls something else is high, with what it is given."""
    document = layer(name, {"filepath": "/etc/evil", "long": ["x"]})
    (finding,) = findings_of(RULE, examined_model(layer("TimeDistributed", {"layer": document})))
    assert finding.severity is Severity.HIGH
    assert "/etc/evil" in finding.evidence[1]


def test_module_does_not_matter() -> None:
    """The class decides, whatever module the configuration claims."""
    assert findings_of(RULE, examined_model(layer("TFSMLayer", "text", module=None)))


def test_not_found() -> None:
    """A name that only contains such a layer's is no such layer."""
    assert not findings_of(RULE, examined_model(layer("MyTFSMLayer")))
