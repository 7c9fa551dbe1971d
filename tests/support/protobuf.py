"""Writes protobuf messages by hand, for tests that want them odd; and ONNX models of them."""


def varint(value: int) -> bytes:
    """Return *value* as a varint; negative ones as 64 bits."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: int | bytes | str) -> bytes:
    """Return one field: a number as a varint, bytes and text with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(*pairs: tuple[int, int | bytes | str]) -> bytes:
    """Return a message of the fields *pairs*."""
    return b"".join(field(number, value) for number, value in pairs)


def node(op: str, *, domain: str = "", name: str = "n", attributes: bytes = b"") -> bytes:
    """Return an ONNX NodeProto."""
    return message((3, name), (4, op), *([(7, domain)] if domain else [])) + attributes


def text_attribute(name: str, value: str) -> bytes:
    """Return a node's field that holds an attribute with a text."""
    return field(5, message((1, name), (4, value), (20, 3)))


def graph_attribute(name: str, graph: bytes) -> bytes:
    """Return a node's field that holds an attribute with a graph."""
    return field(5, message((1, name), (6, graph), (20, 5)))


def tensor(
    *dims: int, raw: bytes | None = None, kind: int = 1, name: str = "w", extra: bytes = b""
) -> bytes:
    """Return an ONNX TensorProto of floats."""
    data = b"".join(field(1, n) for n in dims) + message((2, kind), (8, name))
    return data + (field(9, raw) if raw is not None else b"") + extra


def external(**entries: str) -> bytes:
    """Return the fields that say that a tensor's bytes lie elsewhere; `location` and so on."""
    pairs = (message((1, key), (2, value)) for key, value in entries.items())
    return b"".join(field(13, pair) for pair in pairs) + field(14, 1)


def graph(*nodes: bytes, tensors: tuple[bytes, ...] = ()) -> bytes:
    """Return an ONNX GraphProto."""
    return (
        b"".join(field(1, n) for n in nodes)
        + field(2, "g")
        + b"".join(field(5, t) for t in tensors)
    )


def model(*nodes: bytes, tensors: tuple[bytes, ...] = (), extra: bytes = b"") -> bytes:
    """Return an ONNX ModelProto."""
    head = message((1, 8), (2, "test"))
    opset = field(8, field(2, 18))
    return head + field(7, graph(*nodes, tensors=tensors)) + opset + extra


# -- TensorFlow --------------------------------------------------------------------------------


def tf_node(op: str, *inputs: str, name: str = "n", attributes: bytes = b"") -> bytes:
    """Return a NodeDef."""
    return message((1, name), (2, op), *((3, each) for each in inputs)) + attributes


def tf_attribute(name: str, value: bytes) -> bytes:
    """Return a node's field that holds an attribute; *value* is an AttrValue."""
    return field(5, message((1, name), (2, value)))


def tf_text(name: str, text: str) -> bytes:
    """Return an attribute with a text."""
    return tf_attribute(name, field(2, text))


def tf_calls(name: str, function: str) -> bytes:
    """Return an attribute that names a function."""
    return tf_attribute(name, field(10, field(1, function)))


def tf_const(name: str, *texts: str) -> bytes:
    """Return a NodeDef of a constant of texts."""
    tensor_proto = field(1, 7) + b"".join(field(8, text) for text in texts)
    return tf_node("Const", name=name, attributes=tf_attribute("value", field(8, tensor_proto)))


def tf_function(name: str, *nodes: bytes, arguments: tuple[str, ...] = ()) -> bytes:
    """Return a FunctionDef."""
    signature = field(1, name) + b"".join(field(2, field(1, each)) for each in arguments)
    return field(1, signature) + b"".join(field(3, node) for node in nodes)


def tf_graph(*nodes: bytes, functions: tuple[bytes, ...] = ()) -> bytes:
    """Return a GraphDef."""
    library = b"".join(field(1, function) for function in functions)
    return b"".join(field(1, node) for node in nodes) + (field(2, library) if library else b"")


def tf_signature(key: str, *outputs: str) -> bytes:
    """Return a field of a MetaGraphDef that holds a signature."""
    pairs = b"".join(
        field(2, message((1, f"o{i}"), (2, field(1, each)))) for i, each in enumerate(outputs)
    )
    return field(5, message((1, key), (2, pairs)))


def tf_asset(node: str, file: str) -> bytes:
    """Return a field of a MetaGraphDef that holds an asset."""
    return field(6, message((1, field(1, node)), (2, file)))


def saved_model(graph_def: bytes, *fields: bytes) -> bytes:
    """Return a SavedModel of one MetaGraphDef."""
    return field(1, 1) + field(2, field(2, graph_def) + b"".join(fields))
