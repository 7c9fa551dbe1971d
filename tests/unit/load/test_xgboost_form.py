"""XGBoost's models: what its reader would believe is looked at first."""

import copy
import importlib.util
import json
import struct
from typing import Any

import numpy as np
import pytest

from weighbridge.core.errors import MalformedContentError
from weighbridge.load.xgboost_form import check_model

TREE: dict[str, Any] = {
    "base_weights": [0.0, 1.0, 2.0],
    "categories": [3, 5],
    "categories_nodes": [0],
    "categories_segments": [0],
    "categories_sizes": [2],
    "default_left": [0, 0, 0],
    "id": 0,
    "left_children": [1, -1, -1],
    "loss_changes": [1.0, 0.0, 0.0],
    "parents": [2147483647, 0, 0],
    "right_children": [2, -1, -1],
    "split_conditions": [0.5, 1.0, 2.0],
    "split_indices": [1, 0, 0],
    "split_type": [1, 0, 0],
    "sum_hessian": [2.0, 1.0, 1.0],
    "tree_param": {
        "num_deleted": "0",
        "num_feature": "2",
        "num_nodes": "3",
        "size_leaf_vector": "1",
    },
}
MODEL: dict[str, Any] = {
    "learner": {
        "attributes": {},
        "feature_names": [],
        "feature_types": [],
        "gradient_booster": {
            "model": {
                "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "1"},
                "iteration_indptr": [0, 1],
                "tree_info": [0],
                "trees": [TREE],
            },
            "name": "gbtree",
        },
        "learner_model_param": {"base_score": "[5E-1]", "num_class": "0", "num_feature": "2"},
        "objective": {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}},
    },
    "version": [3, 2, 0],
}
TREES = "learner/gradient_booster/model"
FIRST = f"{TREES}/trees/0"
PARAMETERS = "learner/learner_model_param"
HOSTILE = [
    (f"{FIRST}/left_children", [999999, -1, -1]),
    (f"{FIRST}/left_children", [0, -1, -1]),
    (f"{FIRST}/left_children", [2, -1, -1]),
    (f"{FIRST}/left_children", [1, -1]),
    (f"{FIRST}/left_children", [-1, -1, -1]),
    (f"{FIRST}/right_children", [2, 2, -1]),
    (f"{FIRST}/parents", [2147483647, 0, 99]),
    (f"{FIRST}/parents", [0, 0, 0]),
    (f"{FIRST}/split_indices", [2, 0, 0]),
    (f"{FIRST}/split_indices", [-1, 0, 0]),
    (f"{FIRST}/default_left", [0, 0]),
    (f"{FIRST}/base_weights", [0.0]),
    (f"{FIRST}/id", 1),
    (f"{FIRST}/tree_param/num_nodes", "4"),
    (f"{FIRST}/tree_param/num_deleted", "1"),
    (f"{FIRST}/tree_param/size_leaf_vector", "3"),
    (f"{FIRST}/categories", [-1, 5]),
    (f"{FIRST}/categories", [3, 1 << 30]),
    (f"{FIRST}/categories_nodes", [1]),
    (f"{FIRST}/categories_segments", [1]),
    (f"{FIRST}/categories_sizes", [3]),
    (f"{FIRST}/split_type", [0, 0, 0]),
    (f"{FIRST}/more", []),
    (f"{TREES}/tree_info", [1]),
    (f"{TREES}/tree_info", [-1]),
    (f"{TREES}/iteration_indptr", [0, 2]),
    (f"{TREES}/iteration_indptr", []),
    (f"{TREES}/gbtree_model_param/num_trees", "2"),
    (f"{TREES}/cats", {"enc": [], "feature_segments": [0, 9], "sorted_idx": []}),
    (f"{PARAMETERS}/num_feature", "1"),
    (f"{PARAMETERS}/num_class", "-1"),
    (f"{PARAMETERS}/base_score", "[nan]"),
    ("learner/feature_names", ["one"]),
    (
        "learner/objective",
        {"name": "multi:softmax", "softmax_multiclass_param": {"num_class": "9"}},
    ),
    ("learner/gradient_booster/name", "other"),
    (
        "learner/gradient_booster",
        {"name": "dart", "gbtree": MODEL["learner"]["gradient_booster"], "weight_drop": []},
    ),
    ("learner/gradient_booster", {"name": "gblinear", "model": {"weights": [1.0, 2.0]}}),
]


def ubjson(value: Any) -> bytes:
    """Return *value* the way that XGBoost writes it."""
    if isinstance(value, dict):
        return b"{" + b"".join(ubjson(k)[1:] + ubjson(v) for k, v in value.items()) + b"}"
    if isinstance(value, list):
        return b"[#L" + struct.pack(">q", len(value)) + b"".join(map(ubjson, value))
    if isinstance(value, str):
        return b"SL" + struct.pack(">q", len(value)) + value.encode()
    return (
        (b"L" + struct.pack(">q", value))
        if isinstance(value, int)
        else b"D" + struct.pack(">d", value)
    )


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the model with another value at *path*."""
    model = copy.deepcopy(MODEL)
    *names, last = path.split("/")
    place: Any = model
    for name in names:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    return model


def check(data: bytes) -> None:
    """Look at the model."""
    check_model(data, where="m", release=(3, 2))


def test_takes_what_holds() -> None:
    """A model that holds passes, in both forms."""
    check(json.dumps(MODEL).encode())
    check(ubjson(MODEL))


@pytest.mark.parametrize(("path", "value"), HOSTILE)
def test_refuses(path: str, value: Any) -> None:
    """What XGBoost would believe is refused, in both forms."""
    for data in (json.dumps(changed(path, value)).encode(), ubjson(changed(path, value))):
        with pytest.raises(MalformedContentError):
            check(data)


@pytest.mark.parametrize("cut", [1, 2, 20, 200])
def test_refuses_what_is_cut(cut: int) -> None:
    """A file that ends early, or has more behind it, is refused."""
    for data in (ubjson(MODEL)[:-cut], ubjson(MODEL) + b"Z" * cut, b"{L" + b"\xff" * 8):
        with pytest.raises(MalformedContentError):
            check(data)


def test_refuses_escapes() -> None:
    """A name with an escape, which XGBoost reads otherwise, is refused."""
    with pytest.raises(MalformedContentError):
        check(json.dumps(MODEL).encode().replace(b'"trees"', rb'"\u0074rees"'))


@pytest.mark.frameworks
@pytest.mark.parametrize("form", ["ubj", "json"])
@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "multi:softprob", "num_class": 3},
        {"booster": "dart", "rate_drop": 0.5},
        {"booster": "gblinear"},
        {"num_parallel_tree": 3},
        {"tree_method": "exact", "min_split_loss": 1.0},
    ],
)
def test_takes_what_xgboost_writes(settings: dict[str, Any], form: str) -> None:
    """Models of every kind of booster pass."""
    if importlib.util.find_spec("xgboost") is None:
        pytest.skip("needs xgboost: make test-frameworks")
    import xgboost  # noqa: PLC0415  optional

    rows = np.random.default_rng(0).normal(size=(60, 3))
    data = xgboost.DMatrix(rows, np.arange(60) % 3)
    check(bytes(xgboost.train({"verbosity": 0, **settings}, data, 4).save_raw(raw_format=form)))
