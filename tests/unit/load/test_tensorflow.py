"""SavedModels of TensorFlow: from the held bytes, and only if the scan finds nothing in them."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from support.holding import hold_files
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, MissingExtraError, OperationError
from weighbridge.load.objects import load_object

GRAPHS = Path(__file__).parents[2] / "vectors" / "graphs"
INSTALLED = importlib.util.find_spec("tensorflow") is not None
HARMFUL = ["harmful-python", "harmful-read", "harmful-save", "harmful-write"]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is shown in a store of the test."""
    monkeypatch.setenv("WEIGHBRIDGE_STORE", str(tmp_path / "store"))


def files_of(root: Path, *, folder: str = "") -> dict[str, bytes]:
    """Return the files below *root*, below *folder*."""
    return {
        f"{folder}{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def load(files: dict[str, bytes], *, file: str | None = None) -> Any:
    """Return the model among *files*."""
    return load_object("tensorflow", hold_files(files), file=file, name="model")


@pytest.mark.parametrize("name", HARMFUL)
@pytest.mark.parametrize("folder", ["", "1/"])
def test_the_scan_is_asked_first(name: str, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the scan finds is refused before TensorFlow is imported; the benign model gets there."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"weighbridge\[tensorflow\]"):
        load(files_of(GRAPHS / "tables", folder=folder))
    with pytest.raises(ArtifactRefusedError) as caught:
        load(files_of(GRAPHS / name, folder=folder))
    assert caught.value.code is Code.LOAD_REFUSED
    assert caught.value.where == f"{folder}saved_model.pb"


def test_every_file_is_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding in what the model brings along refuses it as well."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    files = files_of(GRAPHS / "tables")
    with pytest.raises(MissingExtraError):
        load(files)
    # Files that TensorFlow is not shown do not matter here: the verdict is about them.
    with pytest.raises(MissingExtraError):
        load({**files, "assets.extra/requests.pkl": b"\x80\x02cos\nsystem\n."})
    with pytest.raises(ArtifactRefusedError) as caught:
        load({**files, "assets/words.pkl": b"\x80\x02cos\nsystem\n."})
    assert caught.value.where == "assets/words.pkl"


def test_the_name_of_the_graph() -> None:
    """TensorFlow loads directories; a graph of another name, or alone, is refused with the reason."""
    data = (GRAPHS / "tables" / "saved_model.pb").read_bytes()
    for path in ("other.pb", "."):
        with pytest.raises(OperationError) as caught:
            load({path: data})
        assert (caught.value.code, caught.value.expected) == (Code.LOAD_FORMAT, "saved_model.pb")


@pytest.mark.heavy
@pytest.mark.skipif(not INSTALLED, reason="needs TensorFlow: make test-heavy")
class TestFramework:
    """What TensorFlow makes of the held bytes."""

    @pytest.fixture
    def saved(self, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
        """Return a model with a variable, a signature and a table that is filled from a file."""
        import tensorflow as tf  # noqa: PLC0415  optional

        place = tmp_path_factory.mktemp("saved")
        words = place / "words.txt"
        words.write_text("one\ntwo\n")

        class Model(tf.Module):  # type: ignore[misc]  # has no types
            def __init__(self) -> None:
                super().__init__()
                self.weights = tf.Variable([1.0, 2.0, 3.0])
                self.words = tf.saved_model.Asset(str(words))
                index = tf.lookup.TextFileIndex
                self.table = tf.lookup.StaticHashTable(
                    tf.lookup.TextFileInitializer(
                        self.words.asset_path,
                        tf.string,
                        index.WHOLE_LINE,
                        tf.int64,
                        index.LINE_NUMBER,
                    ),
                    -1,
                )

            @tf.function(input_signature=[tf.TensorSpec([3], tf.float32)])  # type: ignore[untyped-decorator]
            def add(self, x: Any) -> Any:
                return {"y": x + self.weights}

            @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])  # type: ignore[untyped-decorator]
            def find(self, x: Any) -> Any:
                return self.table.lookup(x)

        model = Model()
        tf.saved_model.save(model, str(place / "m"), signatures={"serving_default": model.add})
        return files_of(place / "m")

    @pytest.mark.parametrize("folder", ["", "models/1/"])
    def test_same_as_saved(self, saved: dict[str, bytes], folder: str, tmp_path: Path) -> None:
        """Variables, signatures and tables are those that were saved, also when the files are gone."""
        import tensorflow as tf  # noqa: PLC0415  optional

        model = load({f"{folder}{path}": data for path, data in saved.items()})
        assert not [path for path in (tmp_path / "store").rglob("*") if path.is_symlink()]
        served = model.signatures["serving_default"](tf.zeros([3]))
        assert served["y"].numpy().tolist() == [1, 2, 3]
        assert model.find(tf.constant(["two", "none"])).numpy().tolist() == [1, -1]

    def test_what_it_does_not_take(self, saved: dict[str, bytes]) -> None:
        """A model without its variables is an error with the reason."""
        files = {path: data for path, data in saved.items() if "data-" not in path}
        with pytest.raises((OperationError, ArtifactRefusedError)):
            load(files)

    def test_nothing_of_a_hostile_twin_runs(self, tmp_path: Path) -> None:
        """A model that writes a file when it is loaded is refused, and writes none."""
        import tensorflow as tf  # noqa: PLC0415  optional

        marker = tmp_path / "ran"

        class Hostile(tf.Module):  # type: ignore[misc]  # has no types
            @tf.function(input_signature=[])  # type: ignore[untyped-decorator]
            def write(self) -> None:
                tf.io.write_file(str(marker), "ran")

        model = Hostile()
        tf.saved_model.save(model, str(tmp_path / "m"))
        with pytest.raises(ArtifactRefusedError):
            load(files_of(tmp_path / "m"))
        assert not marker.exists()
        tf.saved_model.load(str(tmp_path / "m")).write()
        assert marker.exists(), "the payload is one that works"
