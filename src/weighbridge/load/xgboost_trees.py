"""
One tree of a model of XGBoost: its reader takes nodes, features and categories as they are.

A child, a parent or a feature that is none is an address in foreign memory, when the file is read
or when the model predicts, and a node that is its own child keeps a prediction going for ever
(`RegTree::LoadModel` in src/tree/tree_model.cc, `MultiTargetTree::LoadModel`).
"""

from collections.abc import Sequence
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.weights import MAX_BOOSTER_CATEGORIES, MAX_BOOSTER_DEPTH
from weighbridge.core.values import frozen
from weighbridge.load.xgboost_fields import INT32_MAX, Part

_NODES: Final = (
    "base_weights", "default_left", "id", "left_children", "parents", "right_children",
    "split_conditions", "split_indices", "tree_param",
)  # fmt: skip
_STATISTICS: Final = ("loss_changes", "sum_hessian")
_CATEGORIES: Final = (
    "categories", "categories_nodes", "categories_segments", "categories_sizes", "split_type",
)  # fmt: skip
_NONE: Final = -1
_NO_PARENT: Final = (-1, INT32_MAX)
_DELETED: Final = (-1, INT32_MAX)
"""Features of a node that pruning took away; the reader has a bit less than the marker."""
_LEAF_WEIGHTS_SINCE: Final = (3, 2)
"""The release whose reader takes weights of vector leaves to be there, without a look."""
_CATEGORY_BOUND: Final = 1 << 24
"""Categories are kept in 32-bit floats (`OutOfRangeCat` in src/common/categorical.h)."""


@frozen
class Shape:
    """What a tree has to fit to: the model's features and outputs, and the reader's release."""

    features: int
    outputs: int
    release: tuple[int, int]


def check_tree(tree: Part, number: int, shape: Shape) -> bool:
    """
    Look at all nodes of *tree*, the one with *number*; tell whether its leaves are vectors.

    Raises:
        MalformedContentError: An array, a node, a feature, a leaf or a category does not hold.
        LimitExceededError: It is deeper, or has more categories, than the limits.
    """
    given = tree.part("tree_param")
    given.hold(("num_nodes",), optional=("num_deleted", "num_feature", "size_leaf_vector"))
    nodes = given.number("num_nodes", least=1)
    targets = given.number("size_leaf_vector", default=0)
    if targets > 1:
        more = ("leaf_weights", *_STATISTICS)
        new = shape.release >= _LEAF_WEIGHTS_SINCE
        tree.hold((*_NODES, *more) if new else _NODES, optional=_CATEGORIES)
    else:
        tree.hold((*_NODES, *_STATISTICS), optional=(*_CATEGORIES, "leaf_child_counts"))
    if tree.integer("id") != number:
        raise tree.broken(f"the number {tree.integer('id')}")
    tree.integers("default_left", count=nodes, least=0, most=1)
    for name in ("split_conditions", *_STATISTICS):
        if name in tree:
            tree.length(name, count=nodes)
    if any(name in tree for name in _CATEGORIES):
        _check_categories(tree, nodes)
    leaves = _check_nodes(tree, nodes, given.number("num_deleted", default=0), shape)
    if targets > 1:
        _check_vectors(tree, nodes, leaves, targets=targets, shape=shape)
        return True
    tree.length("base_weights", count=nodes)
    if any(leaf != _NONE for leaf in leaves):
        raise tree.broken("a leaf with a child")
    return False


def _check_nodes(tree: Part, nodes: int, deleted: int, shape: Shape) -> list[int]:
    """Hold that every node is reached once, or was deleted; return the right children of leaves."""
    lefts = tree.integers("left_children", count=nodes, least=_NONE, most=nodes - 1)
    rights = tree.integers("right_children", count=nodes, least=_NONE, most=nodes - 1)
    parents = tree.integers("parents", count=nodes, least=_NONE, most=INT32_MAX)
    splits = tree.integers("split_indices", count=nodes, least=_NONE, most=INT32_MAX)
    if parents[0] not in _NO_PARENT:
        raise tree.broken(f"a root with the parent {parents[0]}")
    reached = bytearray(nodes)
    reached[0] = 1
    leaves = []
    level, depth = [0], 0
    while level:
        following: list[int] = []
        for node in level:
            if not 0 <= splits[node] < max(shape.features, 1):
                raise tree.broken(f"node {node} looks at feature {splits[node]}")
            if lefts[node] == _NONE:
                leaves.append(rights[node])
                continue
            for child in (lefts[node], rights[node]):
                if child < 1 or reached[child] or parents[child] != node:
                    raise tree.broken(f"node {node} has the child {child}")
                reached[child] = 1
                following.append(child)
        level, depth = following, depth + 1
        if depth > MAX_BOOSTER_DEPTH:
            raise LimitExceededError("a tree is too deep", expected=f"{MAX_BOOSTER_DEPTH} levels")
    _check_deleted(tree, reached, parents=parents, splits=splits, deleted=deleted)
    return leaves


def _check_deleted(
    tree: Part, reached: bytearray, *, parents: Sequence[int], splits: Sequence[int], deleted: int
) -> None:
    """A node that is not reached was deleted; the reader asks its parent for its children."""
    found = 0
    for node in range(len(reached)):
        if reached[node]:
            continue
        found += 1
        if splits[node] not in _DELETED or not 0 <= parents[node] < len(reached):
            raise tree.broken(f"node {node} is nobody's child")
    if found != deleted:
        raise tree.broken(f"{found} deleted nodes instead of {deleted}")


def _check_vectors(
    tree: Part, nodes: int, leaves: list[int], *, targets: int, shape: Shape
) -> None:
    """Every leaf has a vector of its own: by its node, or since 3.2 by its right child."""
    if targets != shape.outputs:
        raise tree.broken(f"leaves of {targets} outputs in a model of {shape.outputs}")
    if "leaf_weights" in tree:
        if sorted(leaves) != list(range(len(leaves))):
            raise tree.broken("leaves without weights of their own")
        tree.length("leaf_weights", count=len(leaves) * targets)
    elif any(leaf != _NONE for leaf in leaves):
        raise tree.broken("a leaf with a child")
    weights = tree.length("base_weights")
    each = weights // nodes
    # With a reduced gradient a node has fewer, which readers before 3.2 do not know.
    least = 1 if shape.release >= _LEAF_WEIGHTS_SINCE else targets
    if weights % nodes or not least <= each <= targets:
        raise tree.broken(f"{weights} weights of {nodes} nodes with {targets} outputs")


def _check_categories(tree: Part, nodes: int) -> None:
    """Categorical nodes, and only these, have categories, one behind the other."""
    tree.hold(_CATEGORIES, optional=tree.names())
    kinds = tree.integers("split_type", count=nodes, least=0, most=1)
    categorical = [node for node, kind in enumerate(kinds) if kind]
    count = len(categorical)
    named = tree.integers("categories_nodes", count=count, least=0, most=nodes - 1)
    categories = tree.integers("categories", least=0, most=_CATEGORY_BOUND - 1)
    total = len(categories)
    sizes = tree.integers("categories_sizes", count=count, least=1, most=total)
    starts = tree.integers("categories_segments", count=count, least=0, most=total)
    if list(named) != categorical:
        raise tree.broken("categories of other nodes than the categorical ones")
    end = bits = 0
    for start, size in zip(starts, sizes, strict=True):
        if start != end or size > total - start:
            raise tree.broken(f"{size} categories from {start} of {total}")
        end = start + size
        bits += max(categories[start:end]) + 1
    if end != total:
        raise tree.broken(f"{total} categories, {end} of them in use")
    if bits > MAX_BOOSTER_CATEGORIES:
        raise LimitExceededError(
            "a tree has too many categories", expected=f"at most {MAX_BOOSTER_CATEGORIES}"
        )
