"""Models of XGBoost, LightGBM and CatBoost: those that were saved, from the held bytes."""

import importlib.util
import struct
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from support.holding import admit
from support.markers import marking_pickle
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    MalformedContentError,
    MissingExtraError,
    OperationError,
)

Kind = Literal["xgboost", "lightgbm", "catboost"]
KINDS: tuple[Kind, ...] = ("xgboost", "lightgbm", "catboost")

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)

LIGHTGBM_TEXT = b"""tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=0

Tree=0
num_leaves=1
num_cat=0
leaf_value=1

end of trees
"""
XGBOOST_TEXT = b'{"learner":{},"version":[3,0,0]}'
_CORE = struct.pack("<IHHi", 8, 4, 4, 4)
CATBOOST_HEAD = b"CBM1" + struct.pack("<I", len(_CORE)) + _CORE
FILES: dict[Kind, bytes] = {
    "xgboost": XGBOOST_TEXT,
    "lightgbm": LIGHTGBM_TEXT,
    "catboost": CATBOOST_HEAD,
}


def installed(name: Kind) -> Any:
    """Return the framework, or skip the test."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"needs {name}: make test-frameworks")
    return importlib.import_module(name)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_hostile_twin_runs(kind: Kind, tmp_path: Path) -> None:
    """A pickle, which these frameworks' models also come in, is none of their own formats."""
    marker = tmp_path / "ran"
    with pytest.raises(OperationError) as caught:
        admit({"model.bin": marking_pickle(marker)}).as_(kind)
    assert (caught.value.code, caught.value.found) == (Code.LOAD_FORMAT, "pickle")
    with pytest.raises(OperationError):
        admit({"model.bin": marking_pickle(marker)}).as_(kind, file="model.bin")
    assert not marker.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_names_what_is_missing(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the framework the error names its extra, when a file of it was found."""
    monkeypatch.setitem(sys.modules, kind, None)
    with pytest.raises(MissingExtraError, match=rf"weighbridge\[{kind}\]"):
        admit({"model.bin": FILES[kind]}).as_(kind)


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_other_text_is_not_taken(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts and configurations beside the model are not what is meant; one may be named."""
    monkeypatch.setitem(sys.modules, kind, None)
    others = {"README.md": b"# A card\n", "config.json": b'{"a": 1}\n'}
    with pytest.raises(MissingExtraError):
        admit({"m": FILES[kind]} | others).as_(kind)
    with pytest.raises(OperationError) as caught:
        admit(others).as_(kind)
    assert caught.value.code is Code.LOAD_FORMAT
    name = "config.json" if kind == "xgboost" else "README.md"
    with pytest.raises(MissingExtraError):
        admit(others).as_(kind, file=name)


@pytest.mark.parametrize(
    ("kind", "hostile"),
    [
        ("xgboost", b"{L" + struct.pack(">q", 7) + b"learner{" + b"[" * 40),
        ("catboost", CATBOOST_HEAD[:8] + bytes(len(_CORE))),
    ],
)
def test_the_scan_is_asked_first(
    kind: Kind, hostile: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that breaks its format is refused before a compiled parser gets it, policy or not."""
    monkeypatch.setitem(sys.modules, kind, None)
    with pytest.raises(MissingExtraError):
        admit({"m": FILES[kind]}).as_(kind)
    with pytest.raises(ArtifactRefusedError) as caught:
        admit({"m": hostile}).as_(kind)
    assert caught.value.code is Code.LOAD_REFUSED


@pytest.mark.frameworks
class TestFrameworks:
    """What the frameworks make of the held bytes."""

    @pytest.mark.parametrize("form", ["ubj", "json"])
    def test_xgboost(self, form: str) -> None:
        """The booster predicts what the saved one does."""
        xgboost = installed("xgboost")
        data = xgboost.DMatrix(X, Y)
        saved = xgboost.train({"objective": "binary:logistic", "verbosity": 0}, data, 3)
        files = {f"m.{form}": bytes(saved.save_raw(raw_format=form)), "config.json": b"{}"}
        loaded = admit(files).as_("xgboost")
        assert np.array_equal(loaded.predict(data), saved.predict(data))

    def test_lightgbm(self) -> None:
        """The booster predicts what the saved one does."""
        lightgbm = installed("lightgbm")
        saved = lightgbm.train({"objective": "binary", "verbosity": -1}, lightgbm.Dataset(X, Y), 3)
        loaded = admit({"m.txt": saved.model_to_string().encode()}).as_("lightgbm")
        assert np.array_equal(loaded.predict(X), saved.predict(X))

    @pytest.mark.parametrize("rounds", [1, 3, 30])
    def test_catboost(self, rounds: int, tmp_path: Path) -> None:
        """The model predicts what the saved one does."""
        catboost = installed("catboost")
        saved = catboost.CatBoost(
            {"iterations": rounds, "verbose": 0, "allow_writing_files": False}
        ).fit(X, Y)
        place = tmp_path / "m.cbm"
        saved.save_model(str(place))
        loaded = admit({"m.cbm": place.read_bytes()}).as_("catboost")
        assert np.array_equal(loaded.predict(X), saved.predict(X))

    @pytest.mark.parametrize("kind", KINDS)
    def test_what_the_framework_does_not_take(self, kind: Kind) -> None:
        """A file that only starts like a model is an error with the reason."""
        installed(kind)
        with pytest.raises((OperationError, MalformedContentError)) as caught:
            admit({"m": FILES[kind]}).as_(kind)
        code = Code.LOAD_MALFORMED if kind == "xgboost" else Code.LOAD_FORMAT
        assert (caught.value.code, caught.value.where) == (code, "m")
