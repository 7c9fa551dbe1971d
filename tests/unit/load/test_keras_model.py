"""Models of Keras: built of Keras' own classes, from sealed bytes, and of nothing else."""

import importlib.util
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weighbridge as wb
from support.holding import admit
from support.keras import archive, function, layer, sequential
from support.signed_model import make_signed_model
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    MissingExtraError,
    OperationError,
    PolicyDeniedError,
    UsageError,
)

INSTALLED = all(importlib.util.find_spec(name) for name in ("keras", "jax", "h5py"))
X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")

BENIGN = archive(sequential(layer("Dense", {"units": 2})))
LAMBDA = layer("Lambda", {"function": {"class_name": "__lambda__", "config": {"code": "4wAAAA=="}}})
HOSTILE: dict[str, Any] = {
    "code in a layer": LAMBDA,
    "code in a nested layer": layer("TimeDistributed", {"layer": LAMBDA}),
    "a function of another module": layer("Dense", {"activation": function("os", "system")}),
    "a class of another module": layer("Popen", module="subprocess"),
    "a class that the program registered": layer(
        "Mine", module=None, registered_name="package>Mine"
    ),
    "a function of Keras that fetches": layer(
        "Lambda", {"function": function("keras.utils", "get_file"), "arguments": {"origin": "x"}}
    ),
    "a module of PyTorch": layer("TorchModuleWrapper", {"module": "gASVAA=="}),
    "a saved model elsewhere": layer("TFSMLayer", {"filepath": "/tmp/model"}),
    "a vocabulary elsewhere": layer("StringLookup", {"vocabulary": "/etc/passwd"}),
    "a function by its name in JAX": layer("JaxLayer", {"call_fn": function("os", "system")}),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_the_scan_is_asked_first(hostile: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not Keras' own is refused before Keras is imported; the benign file gets there."""
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match=r"weighbridge\[keras\]"):
        admit({"m.keras": BENIGN}).as_("keras")
    with pytest.raises(ArtifactRefusedError) as caught:
        admit({"m.keras": archive(sequential(hostile))}).as_("keras")
    assert caught.value.code is Code.LOAD_REFUSED


def test_other_formats_are_no_models_of_keras() -> None:
    """A file of another format is not handed to Keras."""
    with pytest.raises(OperationError) as caught:
        admit({"m.keras": b"no archive"}).as_("keras")
    assert caught.value.code is Code.LOAD_FORMAT


def test_nothing_is_trusted_on_request() -> None:
    """There is no option that admits more."""
    with pytest.raises(UsageError):
        admit({"m.keras": BENIGN}).as_("keras", trusted=["x"])  # type: ignore[call-overload]  # that


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return Keras on the JAX backend, and let verified files be shown below the test's place."""
    monkeypatch.setenv("WEIGHBRIDGE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    import keras  # noqa: PLC0415  optional, slow

    return keras


def saved(model: Any, place: Path) -> bytes:
    """Return the file that Keras writes of *model*."""
    model.save(place / "saved.keras")
    return (place / "saved.keras").read_bytes()


def with_configuration(data: bytes, change: Any) -> bytes:
    """Return the file *data* with its configuration changed by *change*."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                document = json.loads(content)
                change(document)
                content = json.dumps(document).encode()
            new.writestr(name, content)
    return made.getvalue()


@pytest.mark.frameworks
# Keras 3.15 on NumPy 2, when it reads a variable of its own.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.skipif(not INSTALLED, reason="needs Keras and JAX: make test-frameworks")
class TestKeras:
    """What Keras makes of the held bytes."""

    def model(self, keras: Any) -> Any:
        """Return a model with weights."""
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)]
        )
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        return model

    @pytest.mark.parametrize("name", ["m.keras", "a/m.keras", "m"])
    def test_same_predictions(self, name: str, keras: Any, tmp_path: Path) -> None:
        """The loaded model predicts exactly what the saved one does, whatever its file is called."""
        model = self.model(keras)
        loaded = admit({name: saved(model, tmp_path)}).as_("keras")
        assert isinstance(loaded, keras.Model)
        assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))

    def test_in_one_call(self, keras: Any, tmp_path: Path) -> None:
        """A signed model whose format is allowed is loaded in one call, and its twin is denied."""
        model = self.model(keras)
        files = {"m.keras": saved(model, tmp_path)}
        signed = make_signed_model(tmp_path, files, formats=("keras-v3",))
        loaded = wb.load(signed.root, policy=signed.policy, as_="keras")
        assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
        (signed.root / "m.keras").write_bytes(files["m.keras"] + b"x")
        with pytest.raises(PolicyDeniedError):
            wb.load(signed.root, policy=signed.policy, as_="keras")

    def test_nothing_of_a_hostile_twin_runs(self, keras: Any, tmp_path: Path) -> None:
        """A layer that runs code is refused before any of it, also where safe mode was turned off."""
        marker = tmp_path / "ran"
        source = f"lambda x: (__import__('pathlib').Path({str(marker)!r}).touch(), x)[1]"
        hostile = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(eval(source))])
        marker.unlink(missing_ok=True)
        data = saved(hostile, tmp_path)
        with keras.src.saving.serialization_lib.SafeModeScope(safe_mode=False):
            with pytest.raises(ArtifactRefusedError):
                admit({"m.keras": data}).as_("keras")
            assert not marker.exists()
            keras.saving.load_model(tmp_path / "saved.keras", safe_mode=False)
        assert marker.exists(), "the payload is one that works"

    def test_classes_of_the_program_are_refused(self, keras: Any, tmp_path: Path) -> None:
        """A class that this program registered is not Keras' own."""
        made: list[str] = []

        @keras.saving.register_keras_serializable("package")
        class Mine(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
            """Notes that it was made."""

            def __init__(self, **settings: Any) -> None:
                super().__init__(**settings)
                made.append(self.name)

            def call(self, x: Any) -> Any:
                """Return it."""
                return x

        data = saved(keras.Sequential([keras.Input((3,)), Mine()]), tmp_path)
        made.clear()
        with pytest.raises(ArtifactRefusedError):
            admit({"m.keras": data}).as_("keras")
        assert made == []

    def test_a_module_outside_of_keras(self, keras: Any, tmp_path: Path) -> None:
        """A saved model whose configuration was changed to name a module elsewhere is refused."""

        def change(document: Any) -> None:
            document["config"]["layers"][1].update(module="os", class_name="mkdir")

        data = with_configuration(saved(self.model(keras), tmp_path), change)
        with pytest.raises(ArtifactRefusedError):
            admit({"m.keras": data}).as_("keras")

    def test_what_keras_does_not_take(self, keras: Any) -> None:
        """A model without its weights is an error with the reason."""
        assert keras is not None
        with pytest.raises(OperationError, match="Keras does not take"):
            admit({"m.keras": BENIGN}).as_("keras")
