"""llama-cpp-python under `weighbridge exec`: what is signed loads, its unsigned twin does not."""

import importlib.util
from pathlib import Path

import pytest

from support.guarding import Workplace, run_guarded
from support.llama_models import make_llama
from support.signed_model import make_signed_model

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(
        importlib.util.find_spec("llama_cpp") is None,
        reason="needs llama-cpp-python: make test-heavy",
    ),
]

LOADS = """
from llama_cpp import Llama, llama_cpp

def words(path):
    model = Llama(model_path=str(path), n_ctx=32, verbose=False)
    return model.n_vocab(), model.tokenize(b"a")

def split(path):
    paths = (llama_cpp.ctypes.c_char_p * 1)(os.fsencode(path))
    parameters = llama_cpp.llama_model_default_params()
    return llama_cpp.llama_model_load_from_splits(paths, 1, parameters)

for kind, place in (("good", MODEL / "m.gguf"), ("unsigned", BAD / "unsigned.gguf"),
                    ("evil", BAD / "evil.gguf")):
    attempt(f"{kind} Llama", words, place)
attempt("evil split", split, MODEL / "m.gguf")
"""


def test_models_of_llama(tmp_path: Path) -> None:
    """A signed model is loaded from sealed memory; an unsigned one, splits and bad templates not."""
    data = make_llama(template="{% for m in messages %}{{ m['content'] }}{% endfor %}")
    hostile = make_llama(template="{{ ''.__class__.__mro__[1].__subclasses__() }}")
    signed = make_signed_model(tmp_path, {"m.gguf": data}, formats=("gguf",))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "unsigned.gguf").write_bytes(data)
    (tmp_path / "bad" / "evil.gguf").write_bytes(hostile)
    outcome = run_guarded(Workplace(place=tmp_path, signed=signed), LOADS)
    said = {name: told.partition(":")[0] for name, told in outcome.results.items()}
    assert said == {
        "good Llama": "loaded",
        "unsigned Llama": "denied",
        "evil Llama": "denied",
        "evil split": "denied",
    }, (outcome.results, outcome.err)
