"""Rule `tensorflow-asset-path`."""

import pytest

from support.protobuf import saved_model, tf_asset, tf_graph, tf_node
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat

RULE = "tensorflow-asset-path"


def test_vector() -> None:
    """An asset outside of the model's directory is found, one within is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("path", "hit"), [("a.txt", False), ("sub/a.txt", False), ("/a.txt", True), ("..", True)]
)
def test_paths(path: str, hit: bool) -> None:
    """A path that leaves the directory is found."""
    data = saved_model(tf_graph(tf_node("NoOp")), tf_asset("x:0", path))
    assert bool(findings_of(RULE, examined(data, format=FileFormat.SAVEDMODEL))) == hit
