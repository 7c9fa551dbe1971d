"""Rule `model-extension`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat

RULE = "model-extension"
NET = '<net name="x"><layers><layer id="0" name="a" type="Op" version="{}"/></layers></net>'


def test_vector() -> None:
    """A function that is the name of a class is found, one of PMML's own is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize("version", ["extension", "custom_opset", "evil"])
def test_openvino(version: str) -> None:
    """A layer outside OpenVINO's sets of operations is found, one within them is not."""
    assert findings_of(RULE, examined(NET.format(version).encode(), format=FileFormat.XML))
    assert examined(NET.format("opset13").encode(), format=FileFormat.XML) == ()


def test_other_documents() -> None:
    """The same elements in another document mean nothing."""
    text = NET.format("evil").replace("net", "tree") + "\n"
    assert examined(text.encode(), format=FileFormat.XML) == ()
