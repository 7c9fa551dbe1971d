"""
The form of XGBoost's models, as far as its reader goes by it without a look.

Sizes, groups and weights that do not fit together end the process or read foreign memory, when
the file is read or when the model predicts (src/learner.cc, src/gbm/gbtree_model.cc). So they are
held together before the file gets there; names that are not known are refused.
"""

import math
import re
from itertools import pairwise
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.weights import MAX_BOOSTER_OUTPUTS
from weighbridge.formats.json.document import (
    check_count,
    check_depth,
    count_values,
    decode,
    make_decoder,
    malformed,
    refuse_bom,
)
from weighbridge.formats.ubjson_values import UbjsonValue, read_ubjson
from weighbridge.load.xgboost_fields import INT32_MAX, Part
from weighbridge.load.xgboost_trees import Shape, check_tree

_BINARY: Final = b"{L"
_ESCAPE: Final = rb"\u"
_VERSION_NUMBERS: Final = 3
# Numbers as XGBoost's parameters write them; one alone before 3.1.
_FLOAT: Final = r"[-+]?[0-9]{1,40}(?:\.[0-9]{0,80})?(?:[eE][-+]?[0-9]{1,3})?"
_SCORE: Final = re.compile(rf"{_FLOAT}|\[{_FLOAT}(?: ?, ?{_FLOAT})*\]", re.ASCII)
_DECODER: Final = make_decoder(None, finite=False)
_FEATURES: Final = ("feature_names", "feature_types")


def check_model(data: bytes, *, where: str, release: tuple[int, int]) -> None:
    """
    Look at every tree of the model in *data*, as the *release* of XGBoost will read it.

    Args:
        data: The model, as Universal Binary JSON or JSON.
        where: What errors call the file.
        release: The first two numbers of XGBoost's version.

    Raises:
        MalformedContentError: It is not such a file, or something in it does not hold.
        LimitExceededError: It has more values, outputs, levels or categories than the limits.
    """
    model = Part(_read(data, where), at="model", where=where)
    model.hold(("learner", "version"))
    model.integers("version", count=_VERSION_NUMBERS, least=0, most=INT32_MAX)
    learner = model.part("learner")
    needed = ("attributes", "gradient_booster", "learner_model_param", "objective")
    learner.hold(needed, optional=_FEATURES)
    shape = _check_parameters(learner.part("learner_model_param"), release)
    _check_objective(learner.part("objective"), learner.part("learner_model_param"))
    attributes = learner.part("attributes")
    for name in attributes.names():
        attributes.text(name)
    for name in _FEATURES:
        if name in learner and len(learner.texts(name)) not in {0, shape.features}:
            raise learner.broken(f"{len(learner.texts(name))} of {name}")
    _check_booster(learner.part("gradient_booster"), shape)


def _read(data: bytes, where: str) -> UbjsonValue:
    """Return what XGBoost takes the file for."""
    if data.startswith(_BINARY):
        return read_ubjson(data, what=where)
    refuse_bom(data, what=where)
    if not data.startswith(b"{"):
        raise malformed(where, expected="a model of XGBoost", found=repr(data[:8]))
    check_count(count_values(data), what=where)
    check_depth(data, what=where)
    if _ESCAPE in data.replace(rb"\\", b""):
        # XGBoost leaves it as it is, so two readers see two names.
        raise malformed(where, expected="characters as they are", found=r"an escape \u")
    value: UbjsonValue = decode(data, _DECODER, what=where)  # type: ignore[assignment]  # a part of these
    return value


def _check_parameters(given: Part, release: tuple[int, int]) -> Shape:
    """Return the number of features and of outputs."""
    given.hold(
        ("base_score", "num_class", "num_feature"), optional=("boost_from_average", "num_target")
    )
    classes = given.number("num_class")
    targets = given.number("num_target", default=1, least=1)
    given.number("boost_from_average", default=0)
    outputs = max(classes, targets)
    if classes > 1 and targets > 1:
        raise given.broken(f"{classes} classes and {targets} targets")
    if outputs > MAX_BOOSTER_OUTPUTS:
        raise LimitExceededError(
            "the model has too many outputs", expected=f"at most {MAX_BOOSTER_OUTPUTS}"
        )
    score = given.text("base_score")
    if _SCORE.fullmatch(score) is None:
        raise given.broken(f"base_score is {score[:80]!r}", expected="numbers")
    scores = [float(each) for each in score.strip("[]").split(",")]
    if len(scores) not in {1, outputs} or not all(map(math.isfinite, scores)):
        raise given.broken(f"{len(scores)} of base_score for {outputs} outputs")
    return Shape(features=given.number("num_feature"), outputs=outputs, release=release)


def _check_objective(objective: Part, given: Part) -> None:
    """Parameters are strings; an objective of classes has as many as the model."""
    for name in objective.names():
        if name in {"ti+", "tj-"}:
            objective.length(name)
        elif name != "name":
            parameters = objective.part(name)
            for each in parameters.names():
                parameters.text(each)
    if objective.text("name").startswith("multi:"):
        classes = objective.part("softmax_multiclass_param").number("num_class", least=1)
        if classes != given.number("num_class"):
            raise objective.broken(f"{classes} classes")


def _check_booster(booster: Part, shape: Shape) -> None:
    """Hold the weights to the features, or the trees to what names them."""
    match booster.text("name"):
        case "gblinear":
            booster.hold(("model", "name"))
            linear = booster.part("model")
            linear.hold(("weights",), optional=("boosted_rounds",))
            linear.length("weights", count=(shape.features + 1) * shape.outputs)
            if "boosted_rounds" in linear and not 0 <= linear.integer("boosted_rounds") < INT32_MAX:
                raise linear.broken("a number of rounds that is none")
        case "gbtree":
            booster.hold(("model", "name"), optional=("weight_drop",))
            trees = _check_trees(booster.part("model"), shape)
            if "weight_drop" in booster:
                booster.length("weight_drop", count=trees)
        case "dart":
            booster.hold(("gbtree", "name", "weight_drop"))
            inner = booster.part("gbtree")
            inner.hold(("model", "name"))
            if inner.text("name") != "gbtree":
                raise inner.broken(f"the booster {inner.text('name')!r}")
            booster.length("weight_drop", count=_check_trees(inner.part("model"), shape))
        case other:
            raise booster.broken(f"the booster {other!r}", expected="gbtree, dart or gblinear")


def _check_trees(model: Part, shape: Shape) -> int:
    """Return how many trees there are, each of a group that there is."""
    optional = ("cats", "iteration_indptr", "weight_drop")
    model.hold(("gbtree_model_param", "tree_info", "trees"), optional=optional)
    given = model.part("gbtree_model_param")
    given.hold(("num_trees",), optional=("num_parallel_tree", "size_leaf_vector"))
    given.number("size_leaf_vector", default=0)
    trees = model.parts("trees")
    count = given.number("num_trees")
    if len(trees) != count:
        raise model.broken(f"{len(trees)} trees instead of {count}")
    if count and not shape.features:
        raise model.broken("trees without features")
    groups = model.integers("tree_info", count=count, least=0, most=shape.outputs - 1)
    parallel = given.number("num_parallel_tree", default=1, least=1)
    _check_rounds(model, count, parallel * (max(groups, default=0) + 1))
    vectors = {check_tree(tree, number, shape) for number, tree in enumerate(trees)}
    if len(vectors) > 1 or (True in vectors and any(groups)):
        raise model.broken("leaves of one output among those of several")
    if "weight_drop" in model:
        model.length("weight_drop", count=count)
    if "cats" in model:
        _check_encoding(model.part("cats"), shape.features)
    return count


def _check_rounds(model: Part, count: int, each: int) -> None:
    """Rounds follow each other to the last tree; without them all have as many trees."""
    if "iteration_indptr" not in model:
        # The reader looks for the last of none, if there are no trees.
        if not count or count % each:
            raise model.broken(f"no iteration_indptr of {count} trees")
        return
    starts = model.integers("iteration_indptr", least=0, most=count)
    rising = all(before <= after for before, after in pairwise(starts))
    if not len(starts) or starts[0] or starts[-1] != count or not rising:
        raise model.broken(f"iteration_indptr does not lead to {count} trees")


def _check_encoding(cats: Part, features: int) -> None:
    """The categories of the features lie behind each other, and their order names each once."""
    cats.hold(("enc", "feature_segments", "sorted_idx"))
    columns = cats.parts("enc")
    counts = [_count_categories(column) for column in columns]
    total = sum(counts)
    starts = cats.integers("feature_segments", least=0, most=total)
    order = cats.integers("sorted_idx", count=total, least=0, most=max(total - 1, 0))
    if not len(starts) and not columns:
        return
    if len(columns) != features or len(starts) != features + 1 or starts[0]:
        raise cats.broken(f"{len(columns)} encodings of {features} features")
    for (start, end), count in zip(pairwise(starts), counts, strict=True):
        if end - start != count or sorted(order[start:end]) != list(range(count)):
            raise cats.broken(f"categories from {start} to {end} that are {count}")


def _count_categories(column: Part) -> int:
    """Return how many categories a feature has: strings behind each other, or whole numbers."""
    if "offsets" not in column:
        column.hold(("type", "values"))
        column.integer("type")
        return len(column.integers("values", least=-(1 << 63), most=(1 << 63) - 1))
    column.hold(("offsets", "values"))
    values = column.integers("values", least=-128, most=255)
    offsets = column.integers("offsets", least=0, most=len(values))
    if not len(offsets):
        return 0
    rising = all(before <= after for before, after in pairwise(offsets))
    if offsets[0] or offsets[-1] != len(values) or not rising:
        raise column.broken("strings that do not lie behind each other")
    return len(offsets) - 1
