"""Rule `tensorflow-operator`."""

import pytest

from support.protobuf import (
    field,
    message,
    saved_model,
    tf_asset,
    tf_attribute,
    tf_calls,
    tf_const,
    tf_function,
    tf_graph,
    tf_node,
    tf_signature,
    tf_text,
)
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity
from weighbridge.scan import tensorflow_graph

RULE = "tensorflow-operator"


def test_vector() -> None:
    """A function that writes a file is found, one that computes is not."""
    assert_vector_holds(RULE)


def found(data: bytes, *, kind: FileFormat = FileFormat.SAVEDMODEL) -> list[Finding]:
    """Return what is found in *data*."""
    return findings_of(RULE, examined(data, format=kind))


@pytest.mark.parametrize(
    ("op", "severity"),
    [
        ("PyFunc", Severity.CRITICAL),
        ("EagerPyFunc", Severity.CRITICAL),
        ("WriteFile", Severity.CRITICAL),
        ("DebugIdentityV2", Severity.CRITICAL),
        ("DatasetFromGraph", Severity.CRITICAL),
        ("ReadFile", Severity.HIGH),
        ("MatchingFiles", Severity.HIGH),
        ("TFRecordDataset", Severity.HIGH),
        ("ImmutableConst", Severity.HIGH),
        ("RemoteCall", Severity.HIGH),
        ("RpcClient", Severity.HIGH),
        ("MatMul", None),
        ("Print", None),
        ("Snapshot", None),
    ],
)
def test_effects(op: str, severity: Severity | None) -> None:
    """Operators that reach out of a graph are found wherever they are, others are not."""
    node = tf_node(op)
    places = (
        (saved_model(tf_graph(node)), FileFormat.SAVEDMODEL),
        (saved_model(tf_graph(functions=(tf_function("f", node),))), FileFormat.SAVEDMODEL),
        (saved_model(b"") + field(2, field(2, tf_graph(node))), FileFormat.SAVEDMODEL),
        (field(2, tf_graph(node)), FileFormat.TF_METAGRAPH),
        (saved_model(tf_graph(node))[2:], FileFormat.SAVEDMODEL),
        (tf_graph(node), FileFormat.TF_GRAPH),
        (tf_graph(functions=(tf_function("", node),)), FileFormat.TF_GRAPH),
    )
    for data, kind in places:
        assert [f.severity for f in found(data, kind=kind)] == ([severity] if severity else [])


def test_arguments_are_shown() -> None:
    """A finding names the file, through operators that pass it on."""
    graph = tf_graph(
        tf_const("c", "/etc/passwd"),
        tf_node("Identity", "c:0", name="i"),
        tf_node("ReadFile", "i:0", name="r"),
    )
    (finding,) = found(saved_model(graph, tf_signature("serving_default", "r:0")))
    assert any("'/etc/passwd'" in line for line in finding.evidence)
    assert "which a signature calls" in finding.evidence[0]


SAVER = tf_function(
    "save",
    tf_const("part", "_temp/part"),
    tf_node("StringJoin", "prefix", "part:output:0", name="join"),
    tf_node("SaveV2", "join:output:0", name="SaveV2"),
    arguments=("prefix",),
)
CALL = tf_node("StatefulPartitionedCall", "name:0", name="call", attributes=tf_calls("f", "save"))


def test_the_usual_saver() -> None:
    """Saving under a name that the caller feeds is what every model does."""
    graph = tf_graph(tf_node("Placeholder", name="name"), CALL, functions=(SAVER,))
    assert not found(saved_model(graph))


@pytest.mark.parametrize("outer", ["StatefulPartitionedCall", "If", "save"])
def test_a_saver_that_is_told_where_to_write(outer: str) -> None:
    """The same saver is found when the graph itself passes the name, by whichever call."""
    inputs = ("c:0", "name:0") if outer == "If" else ("name:0",)
    attributes = tf_calls("then_branch" if outer == "If" else "f", "save")
    call = tf_node(outer, *inputs, attributes=b"" if outer == "save" else attributes)
    graph = tf_graph(tf_const("name", "/home/user/.bashrc"), call, functions=(SAVER,))
    (finding,) = found(saved_model(graph))
    assert finding.severity is Severity.CRITICAL
    assert any("/home/user/.bashrc" in line for line in finding.evidence)


@pytest.mark.parametrize(
    ("bound", "hit"), [(field(9, field(1, "name")), True), (field(7, field(1, 1)), False)]
)
def test_a_saver_that_is_bound_to_a_name(bound: bytes, hit: bool) -> None:
    """The same saver is found when Python would call it with a constant of the graph."""
    graph = tf_graph(tf_const("name", "/home/user/.bashrc"), functions=(SAVER,))
    function = field(2, message((1, "save"), (2, field(2, b"\x00"))))
    objects = field(7, field(1, bound) + function)
    assert bool(found(saved_model(graph, objects))) == hit


@pytest.mark.parametrize(("path", "hit"), [("", False), ("/tmp/cache", True)])
def test_caches(path: str, hit: bool) -> None:
    """The cache of a data set is found if it is a file."""
    graph = tf_graph(tf_const("c", path), tf_node("CacheDatasetV2", "d", "c:0"))
    assert bool(found(saved_model(graph))) == hit


def test_through_two_functions() -> None:
    """A name is followed through a function that only passes it on."""
    middle = tf_function(
        "middle",
        tf_node("PartitionedCall", "p", attributes=tf_calls("f", "save")),
        arguments=("p",),
    )
    call = tf_node("PartitionedCall", "name:0", attributes=tf_calls("f", "middle"))
    graph = tf_graph(tf_const("name", "x"), call, functions=(SAVER, middle))
    assert found(saved_model(graph))


def test_saving_when_a_signature_is_called() -> None:
    """The usual saver is found when a signature calls it."""
    graph = tf_graph(tf_node("Placeholder", name="name"), CALL, functions=(SAVER,))
    (finding,) = found(saved_model(graph, tf_signature("serving_default", "call:0")))
    assert finding.severity is Severity.CRITICAL
    assert not found(saved_model(graph, tf_signature("serving_default", "name:0")))


@pytest.mark.parametrize(
    ("nodes", "hit"),
    [
        ((tf_const("n", "/tmp/x"), tf_node("SaveV2", "n", name="s")), True),
        ((tf_node("DecodeBase64", "p", name="n"), tf_node("SaveV2", "n", name="s")), True),
        ((tf_node("SaveV2", name="s"),), True),
        ((tf_node("Placeholder", name="n"), tf_node("SaveV2", "n", name="s")), False),
        ((tf_const("n", "/tmp/x"), tf_node("RestoreV2", "n", name="s")), True),
        ((tf_node("Placeholder", name="n"), tf_node("RestoreV2", "n", name="s")), False),
        (
            (tf_node("Placeholder", name="n"), tf_node("MergeV2Checkpoints", "n", "n", name="m")),
            False,
        ),
        (
            (
                tf_node("Placeholder", name="n"),
                tf_const("c", "../x"),
                tf_node("MergeV2Checkpoints", "n", "c", name="m"),
            ),
            True,
        ),
    ],
)
def test_checkpoint_names(nodes: tuple[bytes, ...], hit: bool) -> None:
    """A checkpoint's name comes from the caller and from no constant or computation."""
    assert bool(found(saved_model(tf_graph(*nodes)))) == hit


@pytest.mark.parametrize(
    ("stream", "hit"),
    [("stderr", False), ("log(info)", False), ("file:///tmp/x", True), ("", False)],
)
def test_printing(stream: str, hit: bool) -> None:
    """Printing into a file is found, printing onto a terminal is not."""
    node = tf_node("PrintV2", attributes=tf_text("output_stream", stream))
    assert bool(found(saved_model(tf_graph(node)))) == hit


@pytest.mark.parametrize(
    ("source", "hit"), [("local://", False), ("bytes://x", False), ("/tmp/descriptors", True)]
)
def test_descriptions(source: str, hit: bool) -> None:
    """Decoding by descriptions from a file is found."""
    node = tf_node("DecodeProtoV2", attributes=tf_text("descriptor_source", source))
    assert bool(found(saved_model(tf_graph(node)))) == hit


def table(*extra: bytes, path: str = "path:0") -> bytes:
    """Return a graph with a table that is read from a file."""
    return tf_graph(
        tf_const("path", "/build/vocabulary.txt"),
        *extra,
        tf_node("HashTableV2", name="t"),
        tf_node("InitializeTableFromTextFileV2", "t:0", path, name="init"),
    )


def test_vocabularies() -> None:
    """A table is read from an asset, and from no other file."""
    assert not found(saved_model(table(), tf_asset("path:0", "vocabulary.txt")))
    assert found(saved_model(table()))
    assert found(saved_model(table(), tf_asset("other:0", "vocabulary.txt")))


def test_vocabularies_of_tensorflow_1() -> None:
    """An asset that a collection lists is one, too."""
    listed = message((1, "type"), (2, message((1, field(1, "path:0")), (2, "vocabulary.txt"))))
    entry = message((1, "saved_model_assets"), (2, field(5, field(1, listed))))
    other = message((1, "other"), (2, field(5, field(1, listed))))
    assert not found(saved_model(table(), field(4, entry)))
    assert found(saved_model(table(), field(4, other)))


def test_vocabularies_in_variables() -> None:
    """The path may stay in a variable, if nothing but an asset is assigned to it."""
    name = tf_text("shared_name", "v")
    read = (
        tf_node("VarHandleOp", name="v", attributes=name),
        tf_node("ReadVariableOp", "v:0", name="r"),
        tf_node("AssignVariableOp", "v:0", "path:0", name="a"),
    )
    evil = (
        tf_const("evil", "/etc/passwd"),
        tf_node("VarHandleOp", name="w", attributes=name),
        tf_node("AssignVariableOp", "w:0", "evil:0", name="b"),
    )
    asset = tf_asset("path:0", "vocabulary.txt")
    assert not found(saved_model(table(*read, path="r:0"), asset))
    assert found(saved_model(table(*read, *evil, path="r:0"), asset))


@pytest.mark.parametrize(
    ("module", "hit"), [("stablehlo", False), ("custom_call xla_python_cpu_callback", True)]
)
def test_compiled_modules(module: str, hit: bool) -> None:
    """A compiled module that calls Python is found."""
    node = tf_node("XlaCallModule", attributes=tf_text("module", module))
    assert bool(found(saved_model(tf_graph(node)))) == hit


def test_two_nodes_of_one_name() -> None:
    """A graph in which a name stands for two nodes, which TensorFlow refuses, is a gap."""
    graph = tf_graph(tf_const("n", "/x"), tf_node("Placeholder", name="n"), tf_node("SaveV2", "n"))
    assert "scan-malformed" in rules_of(examined(saved_model(graph), format=FileFormat.SAVEDMODEL))


def test_an_attribute_twice() -> None:
    """The last of two equal attributes counts, which is the one that TensorFlow takes."""
    first, last = tf_text("output_stream", "stderr"), tf_text("output_stream", "file:///tmp/x")
    assert found(saved_model(tf_graph(tf_node("PrintV2", attributes=first + last))))


def test_texts_packed_in_one_field() -> None:
    """Texts of a constant are read from its packed form, too."""
    packed = field(1, 7) + field(4, b"\x0b/etc/passwd")
    const = tf_node("Const", name="c", attributes=tf_attribute("value", field(8, packed)))
    (finding,) = found(saved_model(tf_graph(const, tf_node("ReadFile", "c:0"))))
    assert any("/etc/passwd" in line for line in finding.evidence)


def test_found_before_a_message_breaks() -> None:
    """What was read before the bytes end in the middle of a field is reported."""
    graph = tf_graph(tf_node("WriteFile")) + b"\x0a\x7f"
    data = field(1, 1) + field(2, field(2, graph))
    assert found(data)


@pytest.mark.parametrize(
    ("nodes", "path"),
    [
        ((tf_node("DecodeBase64", "p", name="d"),), "d:0"),
        ((tf_node("NoOp", name="d"),), "d:0"),
    ],
)
def test_vocabularies_with_a_computed_name(nodes: tuple[bytes, ...], path: str) -> None:
    """A table whose file's name is computed is found."""
    assert found(saved_model(table(*nodes, path=path), tf_asset("path:0", "vocabulary.txt")))


def test_vocabulary_that_a_call_names() -> None:
    """A function that reads a table is found when its caller names a file that is no asset."""
    reader = tf_function(
        "reader", tf_node("InitializeTableFromTextFileV2", "t", "p"), arguments=("t", "p")
    )
    call = tf_node("PartitionedCall", "t:0", "path:0", attributes=tf_calls("f", "reader"))
    graph = tf_graph(
        tf_node("HashTableV2", name="t"), tf_const("path", "/etc/x"), call, functions=(reader,)
    )
    assert found(saved_model(graph))
    assert not found(saved_model(graph, tf_asset("path:0", "x")))


def test_too_many_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not followed to its end is a gap."""
    monkeypatch.setattr(tensorflow_graph, "_MAX_VISITS", 10)
    nodes = [tf_node("Identity", f"n{i - 1}", name=f"n{i}") for i in range(1, 20)]
    graph = tf_graph(tf_node("Placeholder", name="n0"), *nodes, tf_node("SaveV2", "n19", name="s"))
    evidence = examined(saved_model(graph), format=FileFormat.SAVEDMODEL)
    assert "scan-limit" in rules_of(evidence)
    monkeypatch.undo()
    assert not examined(saved_model(graph), format=FileFormat.SAVEDMODEL)


def test_long_ways_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that comes from too far is one that the graph computes."""
    monkeypatch.setattr(tensorflow_graph, "_MAX_UPSTREAM", 10)
    nodes = [tf_node("Identity", f"n{i - 1}", name=f"n{i}") for i in range(1, 20)]
    graph = tf_graph(tf_node("Placeholder", name="n0"), *nodes, tf_node("SaveV2", "n19", name="s"))
    assert found(saved_model(graph))
