"""
The form of LightGBM's models in text, as far as its reader goes by it without a look.

LightGBM takes sizes, features and children of nodes as a file has them (src/io/tree.cpp and
src/io/gbdt_model_text.cpp): one that is not true ends the process, reads foreign memory when it
predicts, or goes round for ever. Here every tree has to be one, before the file gets there.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError

_TREE: Final = "Tree="
_END: Final = "end of trees"
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_CATEGORICAL: Final = 1
"""The bit of a node's type that says that its threshold is the number of a set of categories."""

_Fields = Mapping[str, str]


def check_model(data: bytes, *, where: str) -> None:
    """
    Look at every tree of the model in *data*; *where* names the file in errors.

    Raises:
        MalformedContentError: A size, a number of a feature, a child or a set does not hold.
    """
    checker = _Checker(where)
    # A letter for each byte: the reader counts those.
    head, trees = checker.split(data.decode("latin-1"))
    features = checker.number(head, "max_feature_idx", least=0) + 1
    each = checker.number(head, "num_tree_per_iteration", least=1)
    classes = checker.number(head, "num_class", least=1)
    if len(trees) % each or classes > each:
        raise checker.broken(f"{len(trees)} trees, {each} in each iteration, {classes} classes")
    for tree in trees:
        checker.check_tree(tree, features)


class _Checker:
    """Reads one file's parts; knows how errors call it."""

    def __init__(self, where: str) -> None:
        self._where = where

    def broken(self, found: str) -> MalformedContentError:
        return MalformedContentError(
            "the model is not one that LightGBM writes",
            code=Code.LOAD_MALFORMED,
            where=self._where,
            expected="trees whose sizes, features and children hold",
            found=found[:200],
        )

    def split(self, text: str) -> tuple[_Fields, list[_Fields]]:
        """Return the model's own fields and those of each tree, which lie where the sizes say."""
        start = text.find(f"\n{_TREE}") + 1
        end = text.find(f"\n{_END}") + 1
        if not start or end < start:
            raise self.broken("no trees, or no end of them")
        head = self.fields(text[:start])
        if "\r" in text or "\0" in text:
            # The reader takes the one for the end of a line, and the other for that of the file.
            raise self.broken("a carriage return or a zero byte")
        sizes = self.numbers(head, "tree_sizes") if "tree_sizes" in head else None
        starts = [start, *(m.start() + 1 for m in re.finditer(rf"\n{_TREE}", text[start:end]))]
        starts = [start, *(start + at for at in starts[1:])]
        lengths = [after - before for before, after in pairwise([*starts, end])]
        if sizes is not None and sizes != lengths:
            raise self.broken("trees of other sizes than it says")
        trees = [text[at : at + size] for at, size in zip(starts, lengths, strict=True)]
        return head, [self.fields(tree) for tree in trees]

    def fields(self, text: str) -> _Fields:
        """Return the lines of a part by their names."""
        found: dict[str, str] = {}
        for line in text.split("\n"):
            name, equals, value = line.partition("=")
            name = name.strip()
            if equals and name in found:
                raise self.broken(f"two lines {name}")
            if equals:
                found[name] = value
        return found

    def number(self, fields: _Fields, name: str, *, least: int) -> int:
        """Return the number of a field."""
        found = self.numbers(fields, name)
        if len(found) != 1 or found[0] < least:
            raise self.broken(f"{name}={fields.get(name, '')}")
        return found[0]

    def numbers(self, fields: _Fields, name: str) -> list[int]:
        """Return the whole numbers of a field; one that is not there has none."""
        words = fields.get(name, "").split(" ")
        if words == [""]:
            return []
        if not all(map(_NUMBER.fullmatch, words)):
            raise self.broken(f"{name} has something other than numbers")
        return [int(word) for word in words]

    def check_tree(self, tree: _Fields, features: int) -> None:
        """Hold the arrays of a tree to its number of leaves, and its nodes to the features."""
        leaves = self.number(tree, "num_leaves", least=1)
        self.within(tree, "split_feature", count=leaves - 1, below=features)
        for side in ("left_child", "right_child"):
            self.check_children(tree, side, leaves)
        kinds = self.within(tree, "decision_type", count=leaves - 1, below=128)
        thresholds = self.words(tree, "threshold", count=leaves - 1)
        self.words(tree, "leaf_value", count=leaves)
        self.check_sets(tree, thresholds, kinds)
        if self.numbers(tree, "is_linear") == [1]:
            self.check_linear(tree, leaves, features)

    def check_children(self, tree: _Fields, side: str, leaves: int) -> None:
        """A child is a later node, so that every way ends, or a leaf, counted downwards from -1."""
        children = self.numbers(tree, side)
        if len(children) != leaves - 1:
            raise self.broken(f"{len(children)} of {side}, {leaves} leaves")
        for node, child in enumerate(children):
            if not (node < child < leaves - 1 or -leaves <= child < 0):
                raise self.broken(f"{side} of node {node} is {child}")

    def check_sets(self, tree: _Fields, thresholds: list[str], kinds: list[int]) -> None:
        """A node that looks a category up in a set names one that there is."""
        count = self.number(tree, "num_cat", least=0)
        if count:
            bounds = self.numbers(tree, "cat_boundaries")
            words = self.within(tree, "cat_threshold", count=None, below=1 << 32)
            ordered = all(before < after for before, after in pairwise(bounds))
            if len(bounds) != count + 1 or bounds[0] or not ordered or bounds[-1] != len(words):
                raise self.broken("sets of categories that do not hold")
        for threshold, kind in zip(thresholds, kinds, strict=True):
            if not kind & _CATEGORICAL:
                continue
            if _NUMBER.fullmatch(threshold) is None or not 0 <= int(threshold) < count:
                raise self.broken(f"set {threshold} of {count}")

    def check_linear(self, tree: _Fields, leaves: int, features: int) -> None:
        """A leaf with a linear model has a coefficient for each feature that it names."""
        counts = self.within(tree, "num_features", count=leaves, below=features + 1)
        named = [word for word in tree.get("leaf_features", "").split(" ") if word]
        factors = [word for word in tree.get("leaf_coeff", "").split(" ") if word]
        self.words(tree, "leaf_const", count=leaves)
        fit = all(_NUMBER.fullmatch(word) and 0 <= int(word) < features for word in named)
        if not fit or not len(named) == len(factors) == sum(counts):
            raise self.broken("linear models that do not hold")

    def within(self, fields: _Fields, name: str, *, count: int | None, below: int) -> list[int]:
        """Return *count* numbers of a field, each from 0 and below *below*."""
        found = self.numbers(fields, name)
        if count is not None and len(found) != count:
            raise self.broken(f"{len(found)} of {name} instead of {count}")
        outside = next((n for n in found if not 0 <= n < below), None)
        if outside is not None:
            raise self.broken(f"{outside} among {name}")
        return found

    def words(self, fields: _Fields, name: str, *, count: int) -> list[str]:
        """Return *count* words of a field."""
        found = [word for word in fields.get(name, "").split(" ") if word]
        if len(found) != count:
            raise self.broken(f"{len(found)} of {name} instead of {count}")
        return found
