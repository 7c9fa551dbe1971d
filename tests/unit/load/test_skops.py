"""Objects in skops files: of types that are trusted, and only if the scan finds nothing."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from support.holding import admit
from support.zips import zip_of
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    MissingExtraError,
    OperationError,
    UsageError,
)

INSTALLED = all(importlib.util.find_spec(name) for name in ("skops", "sklearn"))
TREE = "sklearn.tree._tree.Tree"

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def schema(loader: str, name: str, content: object) -> bytes:
    """Return a skops file of one node."""
    module, _, kind = name.rpartition(".")
    node = {
        "__class__": kind,
        "__module__": module,
        "__loader__": loader,
        "__id__": 1,
        "content": content,
        "protocol": 2,
        "_skops_version": "0.16.0",
    }
    return zip_of({"schema.json": json.dumps(node).encode()})


BENIGN = schema("JsonNode", "builtins.str", json.dumps("text"))


@pytest.mark.parametrize(
    "data",
    [
        schema("FunctionNode", "os.system", "touch"),
        schema("OperatorFuncNode", "builtins.list", []),
        schema("TypeNode", "mine.Type", None),
    ],
    ids=["a harmful function", "another function than it names", "an unlisted type"],
)
def test_the_scan_is_asked_first(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the scan finds is refused before skops is imported; the benign file gets there."""
    monkeypatch.setitem(sys.modules, "skops", None)
    with pytest.raises(MissingExtraError, match=r"weighbridge\[skops\]"):
        admit({"m.skops": BENIGN}).as_("skops")
    with pytest.raises(ArtifactRefusedError) as caught:
        admit({"m.skops": data}).as_("skops", trusted=["mine.Type", "os.system"])
    assert caught.value.code is Code.LOAD_REFUSED


def test_only_skops_asks_whom_to_trust() -> None:
    """Trusted types for another kind of object are wrong use."""
    with pytest.raises(UsageError, match="no trusted"):
        admit({"m.pkl": b"\x80\x04]."}).as_("pickle", trusted=["x"])  # type: ignore[call-overload]


@pytest.mark.frameworks
@pytest.mark.skipif(not INSTALLED, reason="needs skops: make test-frameworks")
class TestSkops:
    """What skops makes of the held bytes."""

    def test_same_predictions(self) -> None:
        """The loaded estimator predicts exactly what the saved one does."""
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  optional
        from sklearn.pipeline import make_pipeline  # noqa: PLC0415  optional
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415  optional
        from skops.io import dumps  # noqa: PLC0415  optional

        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
        loaded = admit({"m.skops": dumps(model)}).as_("skops")
        assert isinstance(loaded, type(model))
        assert np.array_equal(loaded.predict(X), model.predict(X))

    def test_types_that_skops_does_not_trust(self) -> None:
        """They are refused by name, and load once the program says that it trusts them."""
        from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415  optional
        from skops.io import dumps, get_untrusted_types  # noqa: PLC0415  optional

        model = RandomForestClassifier(2, random_state=0).fit(X, Y)
        data = dumps(model)
        assert get_untrusted_types(data=data) == [TREE]
        artifact = admit({"m.skops": data})
        with pytest.raises(ArtifactRefusedError) as caught:
            artifact.as_("skops")
        assert caught.value.code is Code.LOAD_REFUSED
        assert TREE in str(caught.value)
        loaded = artifact.as_("skops", trusted=[TREE])
        assert isinstance(loaded, RandomForestClassifier)
        assert np.array_equal(loaded.predict(X), model.predict(X))

    def test_nothing_of_a_hostile_twin_runs(self, tmp_path: Path) -> None:
        """A partial call that makes a directory is refused before it is built, trusted or not."""
        from functools import partial  # noqa: PLC0415  only here

        from skops.io import dumps  # noqa: PLC0415  optional

        marker = tmp_path / "ran"
        hostile = dumps([partial(os.mkdir, str(marker))])
        with pytest.raises(ArtifactRefusedError):
            admit({"m.skops": hostile}).as_("skops", trusted=["posix.mkdir"])
        assert not marker.exists()

    def test_what_skops_does_not_take(self) -> None:
        """A node of a kind that skops does not have is an error with the reason."""
        with pytest.raises((OperationError, ArtifactRefusedError)):
            admit({"m.skops": schema("NoNode", "builtins.str", "x")}).as_("skops")
