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
