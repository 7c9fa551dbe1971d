"""Search trees of SciPy: those whose numbers lead to what they have pass, and no others do."""

import pickle
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any

import numpy as np
import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding
from weighbridge.core.limits.pickles import MAX_SEARCH_TREE_DEPTH

Node = list[Any]
"""split_dim, children, split, start_idx, end_idx, two pointers, _less, _greater."""

NODE = Struct("<qqdqqQQqq")
NAMES = ("nodes", "data", "n", "m", "leaf size", "maxima", "minima", "indices", "box", "box data")
CLASSES = [
    ("scipy.spatial._ckdtree", "cKDTree"),
    ("scipy.spatial._kdtree", "KDTree"),
    ("scipy.spatial.ckdtree", "cKDTree"),
    ("scipy.spatial.kdtree", "KDTree"),
]
POINTS = np.array([[0.0, 5.0], [1.0, 4.0], [2.0, 6.0], [3.0, 7.0]])


def nodes() -> list[Node]:
    """Return the nodes of a tree over `POINTS`: a root, a node and three leaves."""
    return [
        [0, 4, 2.0, 0, 4, 1, 2, 1, 4],
        [1, 2, 5.0, 0, 2, 3, 4, 2, 3],
        [-1, 1, 0.0, 0, 1, 0, 0, 0, 0],
        [-1, 1, 0.0, 1, 2, 0, 0, 0, 0],
        [-1, 2, 0.0, 2, 4, 0, 0, 0, 0],
    ]


def packed(given: list[Node]) -> "np.ndarray[tuple[int, ...], np.dtype[np.bytes_]]":
    """Return nodes as SciPy has them in a pickle."""
    return np.frombuffer(b"".join(NODE.pack(*node) for node in given), "S1")


def parts(**changes: object) -> dict[str, object]:
    """Return the state of a tree; a name with underscores says what is another."""
    state: dict[str, object] = {
        "nodes": packed(nodes()),
        "data": POINTS,
        "n": 4,
        "m": 2,
        "leaf size": 1,
        "maxima": POINTS.max(axis=0),
        "minima": POINTS.min(axis=0),
        "indices": np.array([1, 0, 2, 3]),
        "box": None,
        "box data": None,
    }
    return state | {name.replace("_", " "): value for name, value in changes.items()}


def dumped(value: object) -> bytes:
    """Return what leaves *value* on the stack, without a memo."""
    pickled = pickle.dumps(value, 2)
    return pickled[2:-1]


def written(state: Mapping[str, object]) -> bytes:
    """Return a state as pickles have it; bytes are opcodes."""
    items = [state[name] for name in NAMES if name in state]
    return p.tuple_of(*(item if isinstance(item, bytes) else dumped(item) for item in items))


def tree(state: bytes, kind: tuple[str, str] = CLASSES[0]) -> bytes:
    """Return a tree that gets *state*."""
    return p.new(p.name(*kind)) + state + p.BUILD


def messages(body: bytes, told: FileFormat = FileFormat.PICKLE) -> list[str]:
    """Return what is found in a stream."""
    found = examined(p.stream(body, protocol=4), format=told)
    return [item.message if isinstance(item, Finding) else item.reason for item in found]


@pytest.mark.parametrize("kind", CLASSES)
def test_a_tree_passes(kind: tuple[str, str]) -> None:
    """A tree in which everything leads to what there is is nothing to report."""
    assert messages(tree(written(parts()), kind)) == []


def changed(number: int, place: int, value: float) -> "Callable[[], object]":
    """Return what makes nodes in which one number is another."""

    def make() -> object:
        given = nodes()
        given[number][place] = value
        return packed(given)

    return make


NODES = {
    "a child beyond": (changed(0, 7, 5), "leads to one"),
    "a child in front": (changed(0, 8, -1), "leads to one"),
    "the root as a child": (changed(0, 7, 0), "leads to one"),
    "a child twice": (changed(0, 8, 1), "has not the points"),
    "a dimension beyond": (changed(0, 0, 2), "leads to one"),
    "a dimension in front": (changed(0, 0, -2), "leads to one"),
    "no leaf, and no children": (changed(4, 0, 0), "leads to one"),
    "points beyond": (changed(4, 4, 5), "has not the points"),
    "points in front": (changed(0, 3, -1), "has not all points"),
    "a leaf without points": (changed(2, 4, 0), "has not the points"),
    "another number of points": (changed(2, 1, 2), "has not the points"),
    "children with other points": (changed(2, 3, -1), "has not the points"),
    "a split below the box": (changed(0, 2, -0.5), "outside of its box"),
    "a split above the box": (changed(1, 2, 7.5), "outside of its box"),
    "a split that is no number": (changed(0, 2, float("nan")), "outside of its box"),
}


@pytest.mark.parametrize("case", NODES)
def test_a_node_that_leads_elsewhere_is_found(case: str) -> None:
    """A number of a node that leads elsewhere is found."""
    make, why = NODES[case]
    (message,) = messages(tree(written(parts(nodes=make()))))
    assert why in message


def twice() -> object:
    """Return nodes of which one is the child of two."""
    given = nodes()
    given[4] = [0, 2, 2.5, 2, 4, 0, 0, 5, 6]
    given += [[-1, 1, 0.0, 2, 3, 0, 0, 0, 0], [-1, 1, 0.0, 3, 4, 0, 0, 0, 0]]
    given[5] = [0, 1, 2.0, 2, 3, 0, 0, 5, 5]
    return packed(given)


def circle() -> object:
    """Return nodes that lead back to the one before."""
    return packed([[0, 4, 2.0, 0, 4, 0, 0, 1, 2], [0, 2, 1.0, 0, 2, 0, 0, 1, 1], nodes()[4]])


def chain(depth: int) -> "tuple[object, int]":
    """Return nodes each of which has a leaf and the next, and the number of points."""
    given: list[Node] = []
    for number in range(depth):
        at = 2 * number
        given.append([0, depth + 1 - number, 2.0, number, depth + 1, 0, 0, at + 1, at + 2])
        given.append([-1, 1, 0.0, number, number + 1, 0, 0, 0, 0])
    given.append([-1, 1, 0.0, depth, depth + 1, 0, 0, 0, 0])
    return packed(given), depth + 1


@pytest.mark.parametrize(
    ("depth", "passes"),
    [(5, True), (MAX_SEARCH_TREE_DEPTH, True), (MAX_SEARCH_TREE_DEPTH + 1, False)],
)
def test_the_depth_is_bounded(depth: int, *, passes: bool) -> None:
    """A tree that C++ could not go down by recursion is found."""
    made, count = chain(depth)
    data = np.full((count, 1), 2.0)
    state = parts(
        nodes=made,
        data=data,
        n=count,
        m=1,
        maxima=data[0],
        minima=data[0],
        indices=np.arange(count),
    )
    assert (messages(tree(written(state))) == []) is passes


ARRAYS: dict[str, tuple[dict[str, object], str]] = {
    "nodes that are cut": ({"nodes": packed(nodes())[:-1]}, "are cut"),
    "no nodes": ({"nodes": p.NONE}, "another type or length"),
    "a node that nothing reaches": ({"nodes": packed([*nodes(), nodes()[4]])}, "reached by no other"),
    "a node of two": ({"nodes": twice()}, "has not the points"),
    "a circle": ({"nodes": circle()}, "has not the points"),
    "nodes of another type": ({"nodes": packed(nodes()).view("i1")}, "another type or length"),
    "fewer data": ({"data": POINTS[:3]}, "another type or length"),
    "smaller data": ({"data": POINTS.astype("f4")}, "another type or length"),
    "data in the other order": ({"data": POINTS.astype(">f8")}, "another type or length"),
    "no array": ({"data": [1.0]}, "another type or length"),
    "fewer maxima": ({"maxima": POINTS[0][:1]}, "another type or length"),
    "fewer minima": ({"minima": POINTS[0][:1]}, "another type or length"),
    "fewer indices": ({"indices": np.arange(3)}, "another type or length"),
    "smaller indices": ({"indices": np.arange(8, dtype="i4")}, "another type or length"),
    "indices in the other order": ({"indices": np.arange(4, dtype=">i8")}, "another type or length"),
    "an index beyond": ({"indices": np.array([0, 1, 2, 4])}, "of no point"),
    "an index in front": ({"indices": np.array([0, 1, 2, -1])}, "of no point"),
    "a box that is none": ({"maxima": POINTS.min(axis=0), "minima": POINTS.max(axis=0)}, "is none"),
    "a box without an end": ({"maxima": np.array([np.inf, 7.0])}, "is none"),
    "a box of nothing": ({"minima": np.array([np.nan, 4.0])}, "is none"),
    "more points": ({"n": 5}, "another type or length"),
    "no points": ({"n": 0}, "has no points"),
    "a number that is none": ({"n": True}, "has no points"),
    "more dimensions": ({"m": 3}, "another type or length"),
    "a periodic box": ({"box": POINTS[0]}, "periodic"),
    "the data of a periodic box": ({"box_data": np.zeros(4)}, "periodic"),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS)
def test_an_array_that_does_not_fit_is_found(case: str) -> None:
    """An array of another type, length or content than the tree needs is found."""
    changes, why = ARRAYS[case]
    assert any(why in message for message in messages(tree(written(parts(**changes)))))


def test_a_state_of_another_form_is_found() -> None:
    """A state that is no tuple of ten parts is found, and an instance without one."""
    state = parts()
    del state["box data"]
    for body in (tree(written(state)), tree(p.EMPTY_DICT), tree(p.NONE)):
        assert any("ten parts" in message for message in messages(body))
    for body in (
        p.new(p.name(*CLASSES[0])),
        tree(written(parts())) + written(parts()) + p.BUILD,
    ):
        assert any("no state or several" in message for message in messages(body))
    made = p.call(p.name(*CLASSES[0]), dumped(POINTS)) + written(parts()) + p.BUILD
    assert any("takes no arguments" in message for message in messages(made))
    assert any("kept as a value" in m for m in messages(p.list_of(p.name(*CLASSES[1]))))


def kept(number: int) -> bytes:
    """Keep what is on the stack as *number*."""
    return b"r" + number.to_bytes(4, "little")


def again(number: int) -> bytes:
    """Return what was kept."""
    return b"j" + number.to_bytes(4, "little")


CONTENT = np.array([1, 0, 2, 3]).tobytes()
OTHER = np.array([9, 9, 9, 9]).tobytes()


def integers(content: bytes) -> bytes:
    """Return the state of an array of four integers, whose bytes *content* leaves."""
    kind = dumped(np.dtype("i8"))
    return p.tuple_of(p.integer(1), p.tuple_of(p.integer(4)), kind, p.FALSE, content)


def shell() -> bytes:
    """Return an array without a state."""
    function = p.name("numpy._core.multiarray", "_reconstruct")
    return p.call(function, p.name("numpy", "ndarray"), p.tuple_of(p.integer(0)), p.raw(b"b"))


def view(buffer: bytes) -> bytes:
    """Return an array over a buffer."""
    function = p.name("numpy._core.numeric", "_frombuffer")
    return p.call(function, buffer, dumped(np.dtype("i8")), p.tuple_of(p.integer(4)), p.text("C"))


def bytearray_of(content: bytes) -> bytes:
    """Return a bytearray."""
    return b"\x96" + len(content).to_bytes(8, "little") + content


def with_indices(indices: bytes) -> bytes:
    """Return a tree whose indices are what *indices* leaves."""
    return tree(written(parts(indices=indices)))


ALONE = {
    "bytes": with_indices(shell() + integers(p.raw(CONTENT)) + p.BUILD),
    "a view of bytes": with_indices(view(p.raw(CONTENT))),
    "a view of a bytearray": with_indices(view(bytearray_of(CONTENT))),
    "the tree twice": p.list_of(tree(written(parts())) + kept(90), again(90)),
}
SHARED = {
    "the indices are an item": p.list_of(
        with_indices(shell() + integers(p.raw(CONTENT)) + p.BUILD + kept(90)), again(90)
    ),
    "the indices are an argument": p.list_of(
        with_indices(shell() + integers(p.raw(CONTENT)) + p.BUILD + kept(90)),
        p.call(p.name("collections", "OrderedDict"), p.list_of(p.tuple_of(p.NONE, again(90)))),
    ),
    "the state is an item": p.list_of(tree(written(parts()) + kept(90)), again(90)),
    "the bytes are another array's": p.list_of(
        with_indices(shell() + integers(p.raw(CONTENT) + kept(90)) + p.BUILD),
        shell() + integers(again(90)) + p.BUILD,
    ),
    "the array's state is another's": p.list_of(
        with_indices(shell() + integers(p.raw(CONTENT)) + kept(90) + p.BUILD),
        shell() + again(90) + p.BUILD,
    ),
    "a view of the same bytearray": p.list_of(
        with_indices(view(bytearray_of(CONTENT) + kept(90))), view(again(90))
    ),
    "the bytearray is an item": p.list_of(
        with_indices(view(bytearray_of(CONTENT) + kept(90))), again(90)
    ),
    "the minima are an item": p.list_of(
        tree(written(parts(minima=dumped(POINTS.min(axis=0)) + kept(90)))), again(90)
    ),
}
LATER = {
    "a state later": shell() + kept(90) + p.POP + with_indices(again(90))
    + again(90) + integers(p.raw(CONTENT)) + p.BUILD + p.POP,
    "a second state": shell() + kept(90) + integers(p.raw(OTHER)) + p.BUILD + p.POP
    + with_indices(again(90)) + again(90) + integers(p.raw(CONTENT)) + p.BUILD + p.POP,
    "an item": with_indices(shell() + integers(p.raw(CONTENT)) + p.BUILD + kept(90))
    + again(90) + p.integer(0) + p.integer(9) + p.SETITEM + p.POP,
    "bytes that are replaced": with_indices(view(bytearray_of(CONTENT) + kept(90)))
    + again(90) + p.integer(0) + p.integer(9) + p.SETITEM + p.POP,
}  # fmt: skip


@pytest.mark.parametrize("body", ALONE.values(), ids=ALONE)
def test_numbers_of_its_own_pass(body: bytes) -> None:
    """A tree to which alone its numbers belong is nothing to report."""
    assert messages(body) == []


@pytest.mark.parametrize("body", SHARED.values(), ids=SHARED)
def test_numbers_that_others_have_are_found(body: bytes) -> None:
    """A tree is found whose numbers something else could write to."""
    assert any("belong to something else" in message for message in messages(body))


@pytest.mark.parametrize("body", LATER.values(), ids=LATER)
def test_numbers_that_change_are_found(body: bytes) -> None:
    """A tree is found whose numbers are changed when it has been judged."""
    assert any("cKDTree in a way" in message for message in messages(body))


def test_a_long_stream_is_read_by_the_machine() -> None:
    """What a stream leaves counts in long streams as well, which another engine reads first."""
    body = with_indices(shell() + integers(p.raw(CONTENT)) + p.BUILD + kept(90))
    filler = p.list_of(*[p.NONE] * 200_000)
    assert any("belong to" in m for m in messages(p.list_of(body, filler, again(90))))
    assert messages(p.list_of(body, filler)) == []


def test_a_tree_of_joblib_passes() -> None:
    """The same arrays are nothing to report where they lie behind announcements."""

    def behind(array: "np.ndarray[tuple[int, ...], np.dtype[Any]]") -> bytes:
        state = p.dict_of(
            p.text("subclass"), p.name("numpy", "ndarray"), p.text("shape"), dumped(array.shape),
            p.text("order"), p.text("C"), p.text("dtype"), dumped(array.dtype),
            p.text("allow_mmap"), p.TRUE,
        )  # fmt: skip
        wrapper = p.call(p.name("joblib.numpy_pickle", "NumpyArrayWrapper"))
        return wrapper + state + p.BUILD + array.tobytes()

    given = parts()
    arrays = {n: behind(v) for n, v in given.items() if isinstance(v, np.ndarray)}
    assert messages(tree(written(given | arrays)), FileFormat.JOBLIB) == []
    arrays["indices"] = behind(np.array([0, 1, 2, 4]))
    (message,) = messages(tree(written(given | arrays)), FileFormat.JOBLIB)
    assert "of no point" in message
