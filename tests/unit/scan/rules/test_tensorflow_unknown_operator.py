"""Rule `tensorflow-unknown-operator`."""

from support.protobuf import tf_calls, tf_function, tf_graph, tf_node
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "tensorflow-unknown-operator"


def test_vector() -> None:
    """An operator that TensorFlow does not have is found, one of its own is not."""
    assert_vector_holds(RULE)


def found(data: bytes) -> list[Finding]:
    """Return what is found in the graph *data*."""
    return findings_of(RULE, examined(data, format=FileFormat.TF_GRAPH))


def test_functions_are_operators() -> None:
    """A node may have a function of the library as its operator, and no other."""
    function = tf_function("mine", tf_node("MatMul"))
    assert not found(tf_graph(tf_node("mine"), functions=(function,)))
    assert found(tf_graph(tf_node("other"), functions=(function,)))


def test_once_for_each_operator() -> None:
    """An operator that many nodes have is found once, wherever it stands."""
    nodes = [tf_node("Mystery", name=str(i)) for i in range(5)]
    functions = (tf_function("f", *nodes),)
    call = tf_node("PartitionedCall", attributes=tf_calls("f", "f"))
    assert len(found(tf_graph(*nodes, call, functions=functions))) == 1
