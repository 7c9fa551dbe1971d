"""Models of llama.cpp: from the held bytes, and only if the scan finds nothing in them."""

import importlib.util
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from support.gguf import Tensor, build_gguf
from support.holding import admit, hold_files
from support.llama_models import make_llama
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    MissingExtraError,
    OperationError,
    UsageError,
)
from weighbridge.load.llama_model import load_llama
from weighbridge.load.objects import load_object

INSTALLED = importlib.util.find_spec("llama_cpp") is not None
GOOD = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
BAD = "{{ ''.__class__.__mro__[1].__subclasses__() }}"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is shown in a store of the test."""
    monkeypatch.setenv("WEIGHBRIDGE_STORE", str(tmp_path / "store"))


def load(data: bytes, **settings: object) -> Any:
    """Return the model in *data*."""
    files = hold_files({"m.gguf": data})
    return load_object("llama", files, file=None, name="model", settings=settings or None)


@pytest.mark.parametrize(
    "hostile",
    [make_llama(template=BAD), build_gguf(tensors=[Tensor(shape=(0,))], data=bytes(32))],
    ids=["template", "structure"],
)
def test_the_scan_is_asked_first(hostile: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the scan finds is refused before llama.cpp is imported; the benign twin gets there."""
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(MissingExtraError, match=r"weighbridge\[llama\]"):
        load(make_llama(template=GOOD))
    with pytest.raises(ArtifactRefusedError) as caught:
        load(hostile)
    assert (caught.value.code, caught.value.where) == (Code.LOAD_REFUSED, "m.gguf")


@pytest.mark.parametrize(
    "settings",
    [
        {"lora_path": "other.gguf"},
        {"model_path": "other.gguf"},
        {"kv_overrides": {}},
        {"chat_handler": print},
        {"n_ctx": "64"},
        {"n_ctx": True},
        {"verbose": 1},
    ],
    ids="-".join,
)
def test_settings_that_lead_elsewhere(
    settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could name another file or run code is refused; numbers are not."""
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(MissingExtraError):
        load(make_llama(), n_ctx=64, verbose=False)
    with pytest.raises(UsageError):
        load(make_llama(), **settings)


def test_settings_are_for_llama_cpp() -> None:
    """Other kinds have no settings."""
    files = hold_files({"m.pkl": pickle.dumps([1])})
    assert load_object("pickle", files, file=None, name="model") == [1]
    with pytest.raises(UsageError) as caught:
        load_object("pickle", files, file=None, name="model", settings={"n_ctx": 1})
    assert caught.value.found == "settings"


def test_other_files() -> None:
    """A model without a GGUF file says so."""
    with pytest.raises(OperationError) as caught:
        load_object("llama", hold_files({"m": b'{"a": 1}\n'}), file=None, name="model")
    assert (caught.value.code, caught.value.found) == (Code.LOAD_FORMAT, "json")


@pytest.mark.heavy
@pytest.mark.skipif(not INSTALLED, reason="needs llama-cpp-python: make test-heavy")
class TestFramework:
    """What llama.cpp makes of the held bytes."""

    def test_same_as_from_the_file(self, tmp_path: Path) -> None:
        """The model computes what the one that is opened by its path does."""
        import llama_cpp  # noqa: PLC0415  optional

        data = make_llama(template=GOOD)
        (tmp_path / "m.gguf").write_bytes(data)
        opened = llama_cpp.Llama(str(tmp_path / "m.gguf"), verbose=False, logits_all=True)
        loaded = load(data, logits_all=True)
        for model in (opened, loaded):
            model.eval([1, 100, 101])
        assert loaded.scores[:3].tolist() == opened.scores[:3].tolist()
        other = load(make_llama(2), logits_all=True)
        other.eval([1, 100, 101])
        assert other.scores[:3].tolist() != opened.scores[:3].tolist()

    def test_nothing_is_left_behind(self, tmp_path: Path) -> None:
        """The directory that showed the file is gone, and the object has no path to read again."""
        loaded = load(make_llama())
        assert loaded.model_path == "m.gguf"
        assert not [path for path in (tmp_path / "store").rglob("*") if path.is_symlink()]
        with pytest.raises(ValueError, match="does not exist"):
            pickle.loads(pickle.dumps(loaded))

    def test_what_llama_cpp_does_not_take(self) -> None:
        """A GGUF file that is no model is an error with the reason."""
        data = build_gguf(tensors=[Tensor()], data=bytes(32))
        with pytest.raises(OperationError) as caught:
            load(data)
        assert (caught.value.code, caught.value.where) == (Code.LOAD_FORMAT, "m.gguf")

    def test_of_an_artifact(self) -> None:
        """A single file is loaded as well."""
        artifact = admit({".": make_llama()}, name="m.gguf")
        files = hold_files({".": artifact.read(".")})
        loaded = load_llama(files, ".", name="m.gguf", where="m.gguf", settings={"n_ctx": 32})
        assert loaded.n_ctx() >= 32
