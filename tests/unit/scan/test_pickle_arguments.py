"""What listed names are refused, argument by argument."""

import pytest

from support import pickles as p
from support.scanning import examined, rules_of, subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.values import BufferNode, CallNode, children
from weighbridge.scan.allowlist import find_entry
from weighbridge.scan.numpy_types import ElementType, find_type_fault, read_type
from weighbridge.scan.pickle_arguments import Judge
from weighbridge.scan.pickle_companions import Companions
from weighbridge.scan.pickle_facts import Dialect, literal_bytes
from weighbridge.scan.pickle_sharing import Sharing
from weighbridge.scan.pickle_storage import read_module, read_storage

FLOAT = p.name("torch", "FloatStorage")


def judge() -> Judge:
    """Return a judge of a pickle without files beside it."""
    alone = Companions(subject_of(b"", format=FileFormat.PICKLE), Dialect.PLAIN)
    return Judge(alone, Sharing(run(p.stream(p.NONE))))


def _dtype(code: str, *state: bytes) -> bytes:
    """Return a NumPy type, with a state of eight items when one is given."""
    made = p.call(p.name("numpy", "dtype"), p.text(code), p.FALSE, p.TRUE)
    return made + (p.tuple_of(*state) + p.BUILD if state else b"")


def _state(
    *,
    base: bytes = p.NONE,
    names: bytes = p.NONE,
    fields: bytes = p.NONE,
    size: int = 8,
    flags: int = 0,
) -> tuple[bytes, ...]:
    """Return the eight items of a type's state."""
    start = (p.integer(3), p.text("|"), base, names, fields)
    return (*start, p.integer(size), p.integer(1), p.integer(flags))


def _field(kind: bytes, offset: bytes) -> bytes:
    """Return a dict of one field."""
    return p.dict_of(p.text("a"), p.tuple_of(kind, offset))


TYPES: dict[str, tuple[bytes, tuple[int, bool] | None]] = {
    "float": (_dtype("f8"), (8, False)),
    "text": (_dtype("U3"), (12, False)),
    "object": (_dtype("O8"), (8, True)),
    "order": (_dtype("<i4", *_state(size=-1)), (4, False)),
    "record": (_dtype("V8", *_state(fields=_field(_dtype("f4"), p.integer(4)))), (8, False)),
    "object-field": (
        _dtype("V8", *_state(fields=_field(_dtype("O8"), p.integer(0)), flags=27)),
        (8, True),
    ),
    "object-field-unflagged": (
        _dtype("V8", *_state(fields=_field(_dtype("O8"), p.integer(0)))),
        None,
    ),
    "subarray": (
        _dtype(
            "V16",
            *_state(base=p.tuple_of(_dtype("O8"), p.tuple_of(p.integer(2))), size=16, flags=63),
        ),
        (16, True),
    ),
    "flagged-numbers": (_dtype("f8", *_state(size=-1, flags=1)), None),
    "flagged-text": (_dtype("U2", *_state(flags=8)), (8, False)),
    "flags-form": (_dtype("f8", *_state()[:-1], p.NONE), None),
    "no-size": (_dtype("f"), None),
    "not-a-code": (_dtype("acme"), None),
    "not-a-type": (p.call(p.name("collections", "OrderedDict")), None),
    "short-state": (_dtype("V8", p.NONE), None),
    "field-outside": (_dtype("V8", *_state(fields=_field(_dtype("f8"), p.integer(1)))), None),
    "field-before": (_dtype("V8", *_state(fields=_field(_dtype("f4"), p.integer(-1)))), None),
    "field-offset": (_dtype("V8", *_state(fields=_field(_dtype("f4"), p.NONE))), None),
    "field-type": (_dtype("V8", *_state(fields=_field(p.NONE, p.integer(0)))), None),
    "field-form": (_dtype("V8", *_state(fields=p.dict_of(p.text("a"), p.NONE))), None),
    "fields-form": (_dtype("V8", *_state(fields=p.list_of())), None),
    "base-form": (_dtype("V8", *_state(base=p.text("x"))), None),
    "base-type": (_dtype("V8", *_state(base=p.tuple_of(p.NONE, p.NONE))), None),
    "size-form": (_dtype("V8", p.NONE, *_state()[1:]), None),
}


@pytest.mark.parametrize(("body", "expected"), TYPES.values(), ids=TYPES)
def test_types_are_read(body: bytes, expected: tuple[int, bool] | None) -> None:
    """The size of an element and whether it holds objects, or nothing when in doubt."""
    found = read_type(run(p.stream(body)).result)
    made = None if expected is None else ElementType(item_size=expected[0], has_object=expected[1])
    assert found == made


def test_nested_types_are_bounded() -> None:
    """A type within a type within a type ends at a bound."""
    kind = _dtype("f8")
    for _ in range(20):
        kind = _dtype("V8", *_state(fields=_field(kind, p.integer(0))))
    made = run(p.stream(kind)).result
    assert isinstance(made, CallNode)
    assert read_type(made) is None
    assert find_type_fault(made, None) is not None


STORAGES = {
    "length": p.tuple_of(p.text("storage")),
    "tag": p.tuple_of(p.text("module"), FLOAT, p.text("0"), p.text("cpu"), p.integer(1)),
    "class": p.tuple_of(p.text("storage"), p.NONE, p.text("0"), p.text("cpu"), p.integer(1)),
    "unlisted": p.tuple_of(
        p.text("storage"), p.name("os", "Storage"), p.text("0"), p.text("cpu"), p.integer(1)
    ),
    "no-storage": p.tuple_of(
        p.text("storage"), p.name("torch", "Size"), p.text("0"), p.text("cpu"), p.integer(1)
    ),
    "key": p.tuple_of(p.text("storage"), FLOAT, p.integer(0), p.text("cpu"), p.integer(1)),
    "negative": p.tuple_of(p.text("storage"), FLOAT, p.text("0"), p.text("cpu"), p.integer(-1)),
    "view": p.tuple_of(
        p.text("storage"), FLOAT, p.text("0"), p.text("cpu"), p.integer(1), p.text("x")
    ),
    "view-items": p.tuple_of(
        p.text("storage"), FLOAT, p.text("0"), p.text("cpu"), p.integer(1),
        p.tuple_of(p.text("0"), p.integer(-1), p.integer(1)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", STORAGES.values(), ids=STORAGES)
def test_other_ids_are_no_storages(body: bytes) -> None:
    """An id that torch would not have written is none of its storages, and no class."""
    pid = run(p.stream(body)).result
    assert read_storage(pid) is None
    assert read_module(pid) is None


def test_a_view_of_a_storage_is_one() -> None:
    """The sixth item of the legacy format is read."""
    view = p.tuple_of(p.text("1"), p.integer(0), p.integer(1))
    body = p.tuple_of(p.text("storage"), FLOAT, p.text("0"), p.text("cpu"), p.integer(1), view)
    found = read_storage(run(p.stream(body)).result)
    assert found is not None
    assert (found.kind, found.key, found.elements) == ("torch.FloatStorage", "0", 1)


REBUILD = p.name("torch._tensor", "_rebuild_from_type_v2")
TENSOR = p.name("torch._utils", "_rebuild_tensor_v2")
SHELL = p.name("numpy.core.multiarray", "_reconstruct")
ARRAY = p.name("numpy", "ndarray")
PARTIAL = p.name("functools", "partial")
RANDOM = p.name("numpy.random._pickle", "__generator_ctor")
ZERO = p.tuple_of(p.integer(0))
REFUSED = {
    "rebuild-count": p.call(REBUILD, p.NONE),
    "rebuild-class": p.call(REBUILD, p.name("torch", "Size"), p.name("os", "x"), p.NONE, p.NONE),
    "rebuild-itself": p.call(REBUILD, REBUILD, p.name("torch", "Tensor"), p.EMPTY_TUPLE, p.NONE),
    "rebuild-state": p.call(
        REBUILD, p.name("torch", "Size"), p.name("torch", "Tensor"), p.tuple_of(ZERO), p.TRUE
    ),
    "tensor-count": p.call(TENSOR, p.NONE),
    "tensor-size": p.call(TENSOR, p.NONE, p.integer(0), p.NONE, ZERO),
    "tensor-storage": p.call(TENSOR, p.NONE, p.integer(0), ZERO, ZERO),
    "tensor-computed-storage": p.call(
        TENSOR, p.call(p.name("collections", "OrderedDict")), p.integer(0), ZERO, ZERO
    ),
    "tensor-other-id": p.call(TENSOR, p.text("x") + p.BINPERSID, p.integer(0), ZERO, ZERO),
    "shell-class": p.call(SHELL, p.name("torch", "Size"), ZERO, p.raw(b"b")),
    "shell-shape": p.call(SHELL, ARRAY, p.tuple_of(p.integer(9)), p.raw(b"b")),
    "shell-code": p.call(SHELL, ARRAY, ZERO, p.NONE),
    "random-list": p.call(RANDOM, p.list_of(p.name("os", "x"))),
    "keywords": p.name("torch", "Size") + p.tuple_of(ZERO) + p.dict_of(p.text("k"), p.NONE) + p.NEWOBJ_EX,
    "dtype-code": p.call(p.name("numpy", "dtype"), p.name("torch", "Size")),
    "partial-arguments": p.call(PARTIAL, p.name("numpy", "mean"), p.name("os", "x")),
}  # fmt: skip


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_calls_are_refused(body: bytes) -> None:
    """A call that its entry does not admit has a reason for the refusal."""
    call = list(run(p.stream(body, protocol=4)).calls)[-1]
    entry = find_entry(call.target or "")
    assert entry is not None
    assert judge().refuse_call(call, entry)


ARRAY_STATES = {
    "count": p.tuple_of(p.NONE),
    "shape": p.tuple_of(p.integer(1), p.NONE, _dtype("f8"), p.FALSE, p.raw(b"")),
    "content": p.tuple_of(p.integer(1), ZERO, _dtype("f8"), p.FALSE, p.NONE),
}


@pytest.mark.parametrize("state", ARRAY_STATES.values(), ids=ARRAY_STATES)
def test_states_of_arrays_are_refused(state: bytes) -> None:
    """A state that NumPy did not write has a reason for the refusal."""
    trace = run(p.stream(p.call(SHELL, ARRAY, ZERO, p.raw(b"b")), state, p.BUILD))
    *_, change = trace.changes
    assert judge().refuse_change(change)


@pytest.mark.parametrize(
    "state",
    [p.NONE, p.tuple_of(p.name("numpy", "mean"), p.name("os", "x"), p.NONE, p.NONE)],
    ids=["form", "arguments"],
)
def test_states_of_partial_functions_are_refused(state: bytes) -> None:
    """A state of functools.partial is checked as its arguments are."""
    trace = run(p.stream(p.call(PARTIAL, p.name("numpy", "mean")), state, p.BUILD))
    (change,) = trace.changes
    assert judge().refuse_change(change)


@pytest.mark.parametrize(
    "state", [p.TRUE, p.dict_of(p.integer(1), p.NONE)], ids=["no-dict", "no-name"]
)
def test_attributes_are_names(state: bytes) -> None:
    """A state of attributes is a dict of names."""
    body = p.new(p.name("torch.nn.modules.linear", "Linear")) + state + p.BUILD
    (change,) = run(p.stream(body)).changes
    assert judge().refuse_change(change)


def test_literal_bytes_in_every_spelling() -> None:
    """Bytes are read in the way of each protocol, and nothing that is computed."""
    encode = p.name("_codecs", "encode")
    spelled = {
        p.raw(b"\xe9"): b"\xe9",
        p.call(encode, p.text("é"), p.text("latin1")): b"\xe9",
        p.call(encode, p.text("€"), p.text("latin1")): None,
        p.call(encode, p.text("é"), p.text("utf-8")): None,
        p.text("x"): None,
    }
    for body, expected in spelled.items():
        assert literal_bytes(run(p.stream(body)).result) == expected


def test_every_node_has_its_parts() -> None:
    """Names, persistent ids and buffers hold what they were made from."""
    computed = run(p.stream(p.text("os"), p.name("a", "b"), p.STACK_GLOBAL, protocol=4)).result
    persistent = run(p.stream(p.text("x"), p.BINPERSID)).result
    buffer = run(p.stream(b"\x96\0\0\0\0\0\0\0\0\x98", protocol=5)).result
    mapping = run(p.stream(p.dict_of(p.text("k"), p.NONE))).result
    assert isinstance(buffer, BufferNode)
    for node, count in ((computed, 2), (persistent, 1), (buffer, 1), (mapping, 2)):
        assert len(list(children(node))) == count  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("module", "name", "good", "bad"),
    [
        ("fractions", "Fraction", p.text("-3/4"), p.text("1e999999999")),
        ("fractions", "Fraction", p.integer(3), p.raw(b"3")),
        ("logging", "getLogger", p.text("sklearn.tree"), p.text("." * 300_000)),
        ("logging", "getLogger", p.text("a"), p.integer(1)),
        ("builtins", "range", p.integer(1000), p.integer(2**40)),
        ("builtins", "range", p.integer(-(2**40)), p.TRUE + p.APPEND),
        ("builtins", "range", p.integer(0), p.text("1")),
    ],
)
def test_more_than_it_says(module: str, name: str, good: bytes, bad: bytes) -> None:
    """What would be multiplied out on unpickling is refused, and what is small is not."""
    function = p.name(module, name)
    assert examined(p.stream(p.call(function, good)), format=FileFormat.PICKLE) == ()
    assert examined(p.stream(p.call(function, bad)), format=FileFormat.PICKLE) != ()


@pytest.mark.parametrize(
    ("numbers", "clean"),
    [
        ((0, 10, 1), True),
        ((0, 2**40, 2**20), True),
        ((2**40, 0), True),
        ((2**40, 0, -1), False),
        ((0, 2**40), False),
        ((0, 1, 0), False),
        ((), False),
        ((1, 2, 3, 4), False),
    ],
)
def test_ranges(numbers: tuple[int, ...], clean: bool) -> None:
    """A range counts by the values that it has."""
    stream = p.stream(p.call(p.name("builtins", "range"), *map(p.integer, numbers)))
    assert (examined(stream, format=FileFormat.PICKLE) == ()) is clean


def test_a_sparse_matrix_is_restored_and_not_made() -> None:
    """The __init__ of a sparse matrix makes a list for each row that it is told of."""
    kind = p.name("scipy.sparse._lil", "lil_matrix")
    shape = p.tuple_of(p.integer(2**31), p.integer(1))
    assert examined(p.stream(p.new(kind)), format=FileFormat.PICKLE) == ()
    assert rules_of(examined(p.stream(p.call(kind, shape)), format=FileFormat.PICKLE)) == {
        "pickle-argument"
    }
