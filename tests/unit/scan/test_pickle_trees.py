"""Trees of scikit-learn: those whose nodes lead to each other pass, and no others do."""

import pickle
import sys
from collections.abc import Sequence
from types import ModuleType

import numpy as np
import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

Nodes = Sequence[tuple[float, ...]]
NODE: np.dtype[np.void] = np.dtype(
    [
        ("left_child", "<i8"),
        ("right_child", "<i8"),
        ("feature", "<i8"),
        ("threshold", "<f8"),
    ]
)
TREE = p.name("sklearn.tree._tree", "Tree")
WRAPPER = p.name("joblib.numpy_pickle", "NumpyArrayWrapper")
GOOD = [(1, 2, 0, 0.5), (-1, -1, -2, -2.0), (-1, -1, -2, -2.0)]


def dumped(value: object) -> bytes:
    """Return what leaves *value* on the stack."""
    return pickle.dumps(value, 2)[2:-1]


def tree(
    nodes: bytes,
    *,
    count: bytes | None = None,
    features: bytes | None = None,
    depth: bytes | None = None,
    more: bytes = b"",
) -> bytes:
    """Return a tree with *nodes*."""
    return bare(features) + state(nodes, count=count, depth=depth) + more + p.BUILD


def bare(features: bytes | None = None) -> bytes:
    """Return a tree without a state."""
    first = p.integer(3) if features is None else features
    return p.call(TREE, first, dumped(np.array([2])), p.integer(1))


def state(nodes: bytes, *, count: bytes | None = None, depth: bytes | None = None) -> bytes:
    """Return the state of a tree with *nodes*."""
    return p.dict_of(
        p.text("max_depth"),
        p.integer(1) if depth is None else depth,
        p.text("node_count"),
        p.integer(len(GOOD)) if count is None else count,
        p.text("nodes"),
        nodes,
    )


def written(nodes: Nodes, *, kind: np.dtype[np.void] = NODE) -> bytes:
    """Return *nodes* as pickles have them."""
    return dumped(np.array(nodes, dtype=kind))


def behind(nodes: Nodes) -> bytes:
    """Return *nodes* as joblib has them."""
    array = np.array(nodes, dtype=NODE)
    state = p.dict_of(
        p.text("subclass"),
        p.name("numpy", "ndarray"),
        p.text("shape"),
        p.tuple_of(p.integer(len(nodes))),
        p.text("order"),
        p.text("C"),
        p.text("dtype"),
        dumped(NODE),
        p.text("allow_mmap"),
        p.TRUE,
    )
    return p.call(WRAPPER) + state + p.BUILD + array.tobytes()


def messages(body: bytes, told: FileFormat = FileFormat.PICKLE) -> list[str]:
    """Return what is found in a stream."""
    found = examined(p.stream(body, protocol=4), format=told)
    return [item.message if isinstance(item, Finding) else item.reason for item in found]


class Tree:
    """Stands in for a tree where one is pickled."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = np.array(nodes, dtype=NODE)

    def __reduce__(self) -> tuple[object, ...]:
        """Return what scikit-learn's has."""
        state = {"max_depth": 1, "node_count": len(self.nodes), "nodes": self.nodes}
        return Tree, (3, np.array([2]), 1), state


@pytest.fixture
def sklearn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the stand-in pickled under the name of scikit-learn's own."""
    module = ModuleType("sklearn.tree._tree")
    monkeypatch.setattr(module, "Tree", Tree, raising=False)
    monkeypatch.setattr(Tree, "__module__", module.__name__)
    for name in ("sklearn", "sklearn.tree"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("sklearn")
@pytest.mark.parametrize("protocol", range(6))
def test_trees_in_every_protocol(protocol: int) -> None:
    """A tree whose nodes lead to each other is nothing to report, and another one is."""
    data = pickle.dumps(Tree(GOOD), protocol)
    assert examined(data, format=FileFormat.PICKLE) == ()
    (found,) = examined(
        pickle.dumps(Tree([(3, 2, 0, 0.5), *GOOD[1:]]), protocol), format=FileFormat.PICKLE
    )
    assert isinstance(found, Finding)
    assert "a node of a tree leads to one that it does not have" in found.message


def test_a_tree_of_joblib_passes() -> None:
    """The same tree is nothing to report where its nodes lie behind an announcement."""
    assert messages(tree(behind(GOOD)), FileFormat.JOBLIB) == []


@pytest.mark.parametrize("order", ["<i4", ">i8", ">i4"])
def test_trees_of_other_machines_pass(order: str) -> None:
    """Numbers of another size and byte order are read as such."""
    kind = np.dtype([(name, order if name != "threshold" else "<f8") for name in NODE.names or ()])
    assert messages(tree(written(GOOD, kind=kind))) == []
    bad = [(9, 2, 0, 0.5), *GOOD[1:]]
    assert "leads to one that it does not have" in messages(tree(written(bad, kind=kind)))[0]


BAD = [
    pytest.param((3, 2, 0, 0.5), id="a left child beyond"),
    pytest.param((1, 3, 0, 0.5), id="a right child beyond"),
    pytest.param((1, -1, 0, 0.5), id="a child in front"),
    pytest.param((-2, -1, 0, 0.5), id="no leaf, and no child"),
    pytest.param((1, 2, 3, 0.5), id="a feature beyond"),
    pytest.param((1, 2, -2, 0.5), id="a feature in front"),
]


@pytest.mark.parametrize("node", BAD)
def test_a_node_that_leads_elsewhere_is_found(node: tuple[float, ...]) -> None:
    """A node whose child or feature is not one of the tree's is found."""
    (message,) = messages(tree(written([node, *GOOD[1:]])))
    assert "a node of a tree leads to one that it does not have" in message


@pytest.mark.parametrize("node", BAD)
def test_a_node_of_joblib_that_leads_elsewhere_is_found(node: tuple[float, ...]) -> None:
    """A node is found as well where it lies behind an announcement."""
    (message,) = messages(tree(behind([node, *GOOD[1:]])), FileFormat.JOBLIB)
    assert "a node of a tree leads to one that it does not have" in message


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (tree(written(GOOD), count=p.integer(4)), "a tree of 4 nodes has an array of 3"),
        (tree(written(GOOD), count=p.TRUE), "cannot be read"),
        (tree(written(GOOD), features=p.text("3")), "cannot be read"),
        (tree(p.list_of()), "cannot be read"),
        (tree(dumped(np.zeros(3))), "cannot be read"),
        (tree(dumped(np.zeros(3, dtype=[("left_child", "<f8")]))), "cannot be read"),
        (TREE + p.tuple_of() + p.REDUCE + p.list_of() + p.BUILD, "is not a dict"),
    ],
)
def test_what_is_no_tree_is_found(body: bytes, why: str) -> None:
    """A tree whose nodes cannot be told is found."""
    assert any(why in message for message in messages(body))


EVIL = [(9, 2, 0, 0.5), *GOOD[1:]]


def content(nodes: Nodes, *, kind: np.dtype[np.void] = NODE) -> bytes:
    """Return the state of an array of *nodes*."""
    reduced = np.array(nodes, dtype=kind).__reduce__()
    assert isinstance(reduced, tuple)
    return dumped(reduced[2])


def shell() -> bytes:
    """Return an array without a state."""
    function = p.name("numpy._core.multiarray", "_reconstruct")
    return p.call(function, p.name("numpy", "ndarray"), p.tuple_of(p.integer(0)), p.raw(b"b"))


def kept(number: int) -> bytes:
    """Keep what is on the stack as *number*."""
    return b"r" + number.to_bytes(4, "little")


def again(number: int) -> bytes:
    """Return what was kept."""
    return b"j" + number.to_bytes(4, "little")


def buffered(content: bytes, *, patch: bytes = b"") -> bytes:
    """Return nodes as protocol 5 has them, and change their bytes by *patch*."""
    array = b"\x96" + len(content).to_bytes(8, "little") + content + kept(90)
    function = p.name("numpy._core.numeric", "_frombuffer")
    made = p.call(function, array, dumped(NODE), p.tuple_of(p.integer(3)), p.text("C"))
    return made + again(90) + patch + p.POP if patch else made


CHANGED = {
    "a dict that is written to afterwards": (
        bare() + state(written(EVIL)) + kept(90) + p.BUILD
        + again(90) + p.text("nodes") + written(GOOD) + p.SETITEM + p.POP
    ),
    "a key that is computed": (
        bare() + state(written(GOOD)) + p.call(p.name("builtins", "str"), p.text("nodes"))
        + written(EVIL) + p.SETITEM + p.BUILD
    ),
    "an array that gets its state afterwards": (
        shell() + kept(90) + p.POP + bare() + state(again(90)) + p.BUILD
        + again(90) + content(GOOD) + p.BUILD + p.POP
    ),
    "an array with two states": (
        shell() + kept(90) + content(EVIL) + p.BUILD + p.POP + bare() + state(again(90)) + p.BUILD
        + again(90) + content(GOOD) + p.BUILD + p.POP
    ),
    "bytes that are replaced": tree(
        buffered(np.array(GOOD, dtype=NODE).tobytes(), patch=p.integer(0) + p.integer(9) + p.SETITEM)
    ),
    "a tree with two states": (
        bare() + state(written(GOOD)) + p.BUILD + state(written(GOOD)) + p.BUILD
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", CHANGED.values(), ids=CHANGED)
def test_what_is_changed_behind_the_back_is_found(body: bytes) -> None:
    """A tree is found whose nodes are others when it gets them than at the end of the stream."""
    assert any("sklearn.tree._tree.Tree in a way" in message for message in messages(body))


def test_nodes_in_a_buffer_pass() -> None:
    """The same nodes are nothing to report where nothing is done to them."""
    assert messages(tree(buffered(np.array(GOOD, dtype=NODE).tobytes()))) == []


def test_a_field_that_is_described_twice_is_found() -> None:
    """Nodes are found whose type says twice where a field is: NumPy goes by the last."""
    numbers = np.array(GOOD, dtype=NODE)
    kind = dumped(np.dtype("<i8"))
    other = p.tuple_of(kind, p.integer(16))
    reduced = NODE.__reduce__()
    assert isinstance(reduced, tuple)
    version, _order, base, names, _fields, *rest = reduced[2]
    places = {
        name: p.tuple_of(dumped(NODE[name]), p.integer(8 * n)) for n, name in enumerate(names)
    }
    for twice in (False, True):
        pairs = [part for name, place in places.items() for part in (p.text(name), place)]
        if twice:
            pairs += [p.text("left_child"), other]
        parts = [
            dumped(version), p.text("|"), dumped(base), dumped(names), p.dict_of(*pairs),
            *map(dumped, rest),
        ]  # fmt: skip
        made = p.call(p.name("numpy", "dtype"), p.text("V32"), p.FALSE, p.TRUE)
        array = shell() + p.tuple_of(
            p.integer(1), p.tuple_of(p.integer(3)), made + p.tuple_of(*parts) + p.BUILD, p.FALSE,
            p.raw(numbers.tobytes()),
        ) + p.BUILD  # fmt: skip
        assert bool(messages(tree(array))) is twice


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([(0, 2, 0, 0.5), *GOOD[1:]], "leads to one that it does not have"),
        ([(1, 2, 0, 0.5), (1, 2, 0, 0.5), GOOD[2]], "leads to one that it does not have"),
        ([(1, 2, 0, 0.5), (0, 2, 0, 0.5), GOOD[2]], "leads to one that it does not have"),
    ],
)
def test_a_circle_is_found(nodes: Nodes, why: str) -> None:
    """Nodes that lead back are found: predicting would never end."""
    assert any(why in message for message in messages(tree(written(nodes))))


def test_a_tree_that_is_deeper_than_it_says_is_found() -> None:
    """A tree that says to be less deep than it is is found, and one that says more is not."""
    assert messages(tree(written(GOOD), depth=p.integer(2))) == []
    (message,) = messages(tree(written(GOOD), depth=p.integer(0)))
    assert "a tree is deeper than 0" in message
    (message,) = messages(tree(written(GOOD), depth=p.text("1")))
    assert "the depth of a tree is no number" in message
