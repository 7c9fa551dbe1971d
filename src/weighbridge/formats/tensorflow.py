"""
TensorFlow graphs: SavedModel (saved_model.proto), MetaGraphDef and GraphDef (graph.proto).

A graph's nodes and those of each function of its library are *bodies*. A node is read when it
is asked for; its attributes, which can hold megabytes of constants, only by their names.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.weights import MAX_GRAPH_NAMES, MAX_PROTOBUF_STRING_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.protobuf import Field, Message

SAVED_MODEL: Final = "SavedModel"
META_GRAPH: Final = "MetaGraphDef"
GRAPH: Final = "GraphDef"

_STRING: Final = 7
"""DataType."""
_MAX_STRINGS: Final = 64
_WHERE: Final = "TensorFlow graph"


@frozen
class GraphNode:
    """
    A node of a body.

    Attributes:
        name: Its name, which others refer to.
        op: Its operator, or the function that it calls.
        inputs: The tensors that it takes, control inputs (`^name`) included.
        offset: Where it lies in the file.
        message: Its NodeDef.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    offset: int
    message: Message

    @property
    def sources(self) -> tuple[str, ...]:
        """The nodes or arguments whose tensors it takes, control inputs left out."""
        return tuple(base_name(each) for each in self.inputs if not each.startswith("^"))

    def attribute(self, name: str) -> Message | None:
        """Return the attribute *name*; the last one, which a reader takes, where there are two."""
        found = None
        for field in self.message.fields():
            if field.name == "attr":
                pair = {each.name: each for each in field.message.fields()}
                if "key" in pair and "value" in pair and pair["key"].text() == name:
                    found = pair["value"].message
        return found

    def text(self, name: str) -> str:
        """Return the attribute *name* as text; empty where it has none."""
        value = self.attribute(name)
        data = b"" if value is None else _last(value, "s")
        return data.decode("utf-8", "backslashreplace")

    def called(self) -> tuple[str, ...]:
        """Return the functions that the attributes name."""
        found: list[str] = []
        for field in self.message.fields():
            if field.name == "attr":
                for each in field.message.fields():
                    if each.name == "value":
                        found.extend(_functions_in(each.message))
        return tuple(found)

    def strings(self) -> tuple[str, ...]:
        """Return the texts that a constant holds, as far as they are few."""
        value = self.attribute("value")
        if value is None:
            return ()
        found: list[str] = []
        for field in value.fields():
            if field.name == "tensor":
                found.extend(_strings_in(field.message))
        return tuple(found)


@frozen
class Body:
    """
    The nodes of a graph or of a function.

    Attributes:
        name: The function's name; empty for the graph.
        arguments: The function's arguments, in their order.
        message: The GraphDef or FunctionDef.
    """

    name: str
    arguments: tuple[str, ...]
    message: Message

    def nodes(self) -> Iterator[GraphNode]:
        """
        Yield the nodes, in the order of the file.

        Raises:
            MalformedContentError: No protobuf reader would take them.
            LimitExceededError: Too many fields.
        """
        kind = "node_def" if self.name else "node"
        for field in self.message.fields():
            if field.name == kind:
                yield _node(field)
            elif field.name == "debug_info":
                field.message.validate()


@frozen
class MetaGraph:
    """
    A MetaGraphDef, apart from its graph's nodes.

    Attributes:
        graphs: The graph; readers merge several.
        signatures: Names of the signatures, and the nodes that their outputs are of.
        assets: Nodes that stand for assets, and the files that they name.
        metadata: Identifier and metadata of the objects that a framework rebuilds, Keras' layers
            among them.
        captures: Functions, and the graph's nodes (empty for other things) that their last
            arguments are bound to when they are called from Python.
    """

    graphs: tuple[Message, ...]
    signatures: tuple[tuple[str, tuple[str, ...]], ...]
    assets: tuple[tuple[str, str], ...]
    metadata: tuple[tuple[str, Field], ...]
    captures: tuple[tuple[str, tuple[str, ...]], ...]


def base_name(reference: str) -> str:
    """Return the node or argument that an input refers to."""
    return reference.removeprefix("^").partition(":")[0]


def read_meta_graph(message: Message) -> MetaGraph:
    """
    Read everything but the nodes of a MetaGraphDef.

    Raises:
        MalformedContentError: No protobuf reader would take it.
        LimitExceededError: Too many fields or names.
    """
    graphs: list[Message] = []
    signatures: list[tuple[str, tuple[str, ...]]] = []
    assets: list[tuple[str, str]] = []
    metadata: list[tuple[str, Field]] = []
    objects: list[Message] = []
    for field in message.fields():
        match field.name:
            case "graph_def":
                graphs.append(field.message)
            case "signature_def":
                signatures.append(_signature(field.message))
            case "asset_file_def":
                assets.append(_asset(field.message))
            case "object_graph_def":
                metadata.extend(_user_objects(field.message))
                objects.append(field.message)
            case "collection_def":
                assets.extend(_listed_assets(field.message))
                field.message.validate()
            case _:
                _validate(field)
    return MetaGraph(
        graphs=tuple(graphs),
        signatures=tuple(signatures),
        assets=tuple(assets),
        metadata=tuple(metadata),
        captures=tuple(pair for each in objects for pair in _captures(each, assets)),
    )


def bodies(graph: Message) -> Iterator[Body]:
    """
    Yield the graph and each function of its library.

    Raises:
        MalformedContentError: No protobuf reader would take it.
        LimitExceededError: Too many fields or functions.
    """
    yield Body(name="", arguments=(), message=graph)
    count = 0
    for library in graph.fields():
        if library.name != "library":
            continue
        for field in library.message.fields():
            if field.name == "function":
                count += 1
                if count > MAX_GRAPH_NAMES:
                    raise LimitExceededError("too many functions", where=_WHERE)
                yield _function(field.message)
            else:
                _validate(field)


def _validate(field: Field) -> None:
    """Walk a field that says nothing to us."""
    if field.kind is not None and field.kind.message:
        field.message.validate()


def _function(message: Message) -> Body:
    """Return a function's name, arguments and nodes."""
    name = ""
    arguments: list[str] = []
    for field in message.fields():
        if field.name == "signature":
            for each in field.message.fields():
                if each.name == "name":
                    name = each.text()
                elif each.name == "input_arg":
                    arguments.extend(f.text() for f in each.message.fields() if f.name == "name")
    # A function without a name cannot be called, but its nodes are still looked at.
    return Body(name=name or "(unnamed)", arguments=tuple(arguments), message=message)


def _node(field: Field) -> GraphNode:
    """Read a NodeDef, its attributes excepted."""
    name = op = ""
    inputs: list[str] = []
    message = field.message
    for each in message.fields():
        if each.number == 1:
            name = each.text()
        elif each.number == 2:  # noqa: PLR2004  the operator
            op = each.text()
        elif each.number == 3:  # noqa: PLR2004  an input
            inputs.append(each.text())
    return GraphNode(name=name, op=op, inputs=tuple(inputs), offset=field.at, message=message)


def _functions_in(value: Message) -> Iterator[str]:
    """Yield the functions that an attribute names, alone or in a list."""
    for field in value.fields():
        if field.name == "func":
            yield from (f.text() for f in field.message.fields() if f.name == "name")
        elif field.name == "list":
            yield from _functions_in(field.message)


def _strings_in(tensor: Message) -> Iterator[str]:
    """Yield the texts of a tensor; what packs several into one field is one text."""
    kind = 0
    texts: list[bytes] = []
    for field in tensor.fields():
        if field.name == "dtype":
            kind = field.value
        elif field.name in ("string_val", "tensor_content") and len(texts) < _MAX_STRINGS:
            texts.append(field.document.source.read_at(field.start, min(field.size, 4096)))
    if kind == _STRING:
        yield from (text.decode("utf-8", "backslashreplace") for text in texts)


def _last(message: Message, name: str) -> bytes:
    """Return the last field *name*, empty where there is none."""
    found = b""
    for field in message.fields():
        if field.name == name:
            found = field.data(MAX_PROTOBUF_STRING_BYTES)
    return found


def _signature(entry: Message) -> tuple[str, tuple[str, ...]]:
    """Return a signature's key, and the nodes of its outputs."""
    key = ""
    nodes: list[str] = []
    for field in entry.fields():
        if field.name == "key":
            key = field.text()
        elif field.name == "value":
            for each in field.message.fields():
                if each.name == "outputs":
                    nodes.extend(_tensor_names(each.message))
                else:
                    _validate(each)
    return key, tuple(nodes)


def _tensor_names(entry: Message) -> Iterator[str]:
    """Yield the nodes that a TensorInfo refers to, in whichever encoding."""
    rest = [field.message for field in entry.fields() if field.name == "value"]
    while rest:
        for field in rest.pop().fields():
            if field.name.endswith("name") and field.kind is not None and field.kind.text:
                yield base_name(field.text())
            elif field.name in ("coo_sparse", "composite_tensor", "components"):
                rest.append(field.message)


def _asset(message: Message) -> tuple[str, str]:
    """Return the node that stands for an asset, and its file."""
    node = file = ""
    for field in message.fields():
        if field.name == "filename":
            file = field.text()
        elif field.name == "tensor_info":
            node = next(
                (base_name(f.text()) for f in field.message.fields() if f.name == "name"), ""
            )
    return node, file


def _listed_assets(entry: Message) -> Iterator[tuple[str, str]]:
    """Yield the assets of a collection, where TensorFlow 1 lists them."""
    parts = {field.name: field for field in entry.fields()}
    if "key" not in parts or "value" not in parts or parts["key"].text() != "saved_model_assets":
        return
    rest = [parts["value"].message]
    while rest:
        for field in rest.pop().fields():
            if field.name == "any_list" or (field.name == "value" and field.message.name):
                rest.append(field.message)
            elif field.name == "value":
                yield _asset(Message(field.document, "AssetFileDef", field.start, field.end))


def _captures(
    objects: Message, assets: list[tuple[str, str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield functions, and the nodes of constants and assets that they are bound to."""
    bound = [_bound_node(f.message, assets) for f in objects.fields() if f.name == "nodes"]
    for field in objects.fields():
        if field.name == "concrete_functions":
            name = ""
            numbers: tuple[int, ...] = ()
            for each in field.message.fields():
                if each.name == "key":
                    name = each.text()
                elif each.name == "value":
                    numbers = _bound_inputs(each.message)
            yield name, tuple(bound[n] if 0 <= n < len(bound) else "" for n in numbers)


def _bound_inputs(function: Message) -> tuple[int, ...]:
    """Return the objects that a function is bound to, by their numbers."""
    found: list[int] = []
    for field in function.fields():
        if field.name == "bound_inputs":
            found.extend(field.numbers(MAX_GRAPH_NAMES))
    return tuple(found)


def _bound_node(message: Message, assets: list[tuple[str, str]]) -> str:
    """Return the node of the graph that an object stands for; empty for other objects."""
    for field in message.fields():
        if field.name == "constant":
            return next((f.text() for f in field.message.fields() if f.name == "operation"), "")
        if field.name == "asset":
            index = next(
                (f.value for f in field.message.fields() if f.name == "asset_file_def_index"), 0
            )
            return assets[index][0] if index < len(assets) else ""
    return ""


def _user_objects(message: Message) -> Iterator[tuple[str, Field]]:
    """Yield identifier and metadata of the objects that a framework rebuilds."""
    for field in message.fields():
        if field.name != "nodes":
            _validate(field)
            continue
        for each in field.message.fields():
            if each.name == "user_object":
                parts = {part.name: part for part in each.message.fields()}
                if "metadata" in parts and parts["metadata"].size:
                    name = parts["identifier"].text() if "identifier" in parts else ""
                    yield name, parts["metadata"]
            else:
                _validate(each)
