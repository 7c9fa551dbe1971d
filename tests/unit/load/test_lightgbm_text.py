"""LightGBM's models in text: what its reader would believe is looked at first."""

import re

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError
from weighbridge.load.lightgbm_text import check_model

HEAD = {
    "version": "v4",
    "num_class": "1",
    "num_tree_per_iteration": "1",
    "label_index": "0",
    "max_feature_idx": "2",
    "objective": "regression",
}
TREE = {
    "num_leaves": "4",
    "num_cat": "1",
    "split_feature": "2 0 1",
    "threshold": "0 -2.5 1e-35",
    "decision_type": "9 2 2",
    "left_child": "1 -1 -2",
    "right_child": "2 -3 -4",
    "leaf_value": "0.5 -1 2 3",
    "cat_boundaries": "0 2",
    "cat_threshold": "4294967295 146",
    "is_linear": "1",
    "leaf_const": "1 2 3 4",
    "num_features": "0 2 1 0",
    "leaf_features": "0 2  1 ",
    "leaf_coeff": "0.5 1  2 ",
    "shrinkage": "1",
}
LEAF = {"num_leaves": "1", "num_cat": "0", "split_feature": "", "leaf_value": "1"}


def model(
    tree: dict[str, str] | None = None,
    *,
    head: dict[str, str] | None = None,
    sizes: str | None = None,
    end: str = "end of trees\n",
) -> bytes:
    """Return a model of two trees, of which the first has lines of *tree* instead of its own."""
    parts = []
    for number, fields in enumerate(({**TREE, **(tree or {})}, LEAF)):
        lines = [f"Tree={number}", *(f"{name}={value}" for name, value in fields.items())]
        parts.append("\n".join(lines) + "\n\n\n")
    told = {**HEAD, **(head or {}), "tree_sizes": " ".join(str(len(part)) for part in parts)}
    if sizes is not None:
        told["tree_sizes"] = sizes
    text = "tree\n" + "".join(f"{name}={value}\n" for name, value in told.items()) + "\n"
    return (text + "".join(parts) + end + "\nparameters:\n[num_leaves: 31]\n").encode()


def refused(data: bytes) -> bool:
    """Tell whether *data* is refused."""
    try:
        check_model(data, where="m")
    except MalformedContentError as error:
        return (error.code, error.where) == (Code.LOAD_MALFORMED, "m")
    return False


TREES = {
    "child far beyond": {"left_child": "99999999 -1 -2"},
    "child of itself": {"left_child": "1 1 -2"},
    "child before": {"right_child": "2 0 -4"},
    "leaf beyond": {"right_child": "2 -3 -5"},
    "too few children": {"left_child": "1 -1"},
    "feature beyond": {"split_feature": "2 0 3"},
    "feature below": {"split_feature": "2 0 -1"},
    "too few features": {"split_feature": "2 0"},
    "more leaves": {"num_leaves": "2000000000"},
    "no leaves": {"num_leaves": "0"},
    "leaves of no number": {"num_leaves": "4 4"},
    "too few values": {"leaf_value": "0.5 -1 2"},
    "too few thresholds": {"threshold": "0 -2.5"},
    "a type of no number": {"decision_type": "9 2 x"},
    "a set beyond": {"threshold": "1 -2.5 1"},
    "a set of no number": {"threshold": "0.5 -2.5 1"},
    "sets that overlap": {"num_cat": "2", "cat_boundaries": "0 2 1"},
    "sets beyond the words": {"cat_boundaries": "0 3"},
    "no sets": {"num_cat": "0"},
    "sets that begin later": {"cat_boundaries": "1 2"},
    "a linear feature beyond": {"leaf_features": "0 3  1 "},
    "more linear features": {"num_features": "0 3 1 0"},
    "too few coefficients": {"leaf_coeff": "0.5 1"},
    "spaces": {"left_child": "1  -1 -2"},
    "a name twice": {" left_child": "1 -1 -2"},
    "a hidden line": {"shrinkage": "1\rleft_child=99999999 -1 -2"},
    "a hidden end": {"shrinkage": "1\0"},
}  # fmt: skip


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_trees(tree: dict[str, str]) -> None:
    """A tree with one line that does not hold is refused; the tree as it was is not."""
    assert not refused(model())
    assert refused(model(tree))


@pytest.mark.parametrize(
    "head",
    [
        {"num_tree_per_iteration": "0"},
        {"num_tree_per_iteration": "3"},
        {"num_class": "2"},
        {"num_class": "0"},
        {"max_feature_idx": "-1"},
        {"max_feature_idx": "x"},
    ],
)
def test_the_model(head: dict[str, str]) -> None:
    """Counts of trees, classes and features that cannot be are refused."""
    assert not refused(model(head={"num_tree_per_iteration": "2", "num_class": "2"}))
    assert refused(model(head=head))


@pytest.mark.parametrize("sizes", ["999999999999 1", "1 1", "5", ""])
def test_sizes_of_trees(sizes: str) -> None:
    """Sizes that are not those of the trees are refused; a model without any is not."""
    assert refused(model(sizes=sizes))
    without = re.sub(rb"tree_sizes=.*\n", b"", model())
    assert not refused(without)


def test_the_end() -> None:
    """A model that is cut is refused, and so is one without trees."""
    assert refused(model(end=""))
    assert refused(b"tree\nversion=v4\nend of trees\n")


def test_names_in_any_letters() -> None:
    """Sizes are of bytes, also where names of features are not ASCII."""
    assert not refused(model(head={"feature_names": "größe länge höhe"}))
    assert not refused(model({"note": "größe"}, sizes=str(_size()) + " " + str(_size_of_leaf())))


def _size() -> int:
    data = model({"note": "größe"})
    return data.index(b"Tree=1") - data.index(b"Tree=0")


def _size_of_leaf() -> int:
    data = model()
    return data.index(b"end of trees") - data.index(b"Tree=1")
