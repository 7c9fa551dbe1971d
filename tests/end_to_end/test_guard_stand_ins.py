"""Entry points of libraries that the tests do not install, by modules in their place."""

import shutil
from importlib.util import find_spec

import pytest

from support.guarding import Outcome, Workplace, make_guard_workplace, run_guarded

MODULES = {
    "tables/__init__.py": "",
    "tables/file.py": """
class File:
    def __init__(self, filename, mode="r", title="", **parameters):
        self.opened = parameters.get("DRIVER_CORE_IMAGE", filename)
""",
    "spacy/__init__.py": "",
    "spacy/util.py": """
def load_model_from_path(model_path, *, meta=None):
    return (model_path / "config.json").read_text()
""",
    "spacy/language.py": """
class Language:
    def from_disk(self, path, *, exclude=()):
        return open(path + "/tokenizer").read()
""",
    "ai_edge_litert/__init__.py": "",
    "ai_edge_litert/_pywrap_litert_compiled_model_wrapper.py": """
def CreateCompiledModelFromFile(environment, path, **options):
    return path

def CreateCompiledModelFromBuffer(environment, data, **options):
    return data
""",
    "tensorflow/__init__.py": "",
    "tensorflow/python/__init__.py": "",
    "tensorflow/python/client/__init__.py": "",
    "tensorflow/python/client/pywrap_tf_session.py": "def TF_LoadLibrary(path): return path\n",
}
LOADS = """
from ai_edge_litert import _pywrap_litert_compiled_model_wrapper as litert
from spacy.language import Language
from spacy.util import load_model_from_path
from tables.file import File
from tensorflow.python.client import pywrap_tf_session as tf

for kind, place, name in (("good", MODEL, "a.npy"), ("unsigned", BAD, "unsigned-a.npy")):
    path = str(place / name)
    attempt(f"{kind} tables.File", lambda: File(path).opened)
    attempt(f"{kind} tables.File, appending", lambda: File(path, "a", title="x").opened)
    attempt(f"{kind} CompiledModel", litert.CreateCompiledModelFromFile, None, path)
    attempt(f"{kind} spacy.load", load_model_from_path, place)
attempt("unsigned tables.File in memory", lambda: File("x", DRIVER_CORE_IMAGE=b"\\x89HDF\\r"))
attempt("good new tables.File", lambda: File(str(PLACE / "new"), "w").opened)
attempt("good library", tf.TF_LoadLibrary, str(PLACE / "own.so"))
attempt("unsigned Language.from_disk", Language().from_disk, str(BAD))
attempt("unsigned CompiledModel in memory", litert.CreateCompiledModelFromBuffer, None,
        (1 << 30).to_bytes(4, "little") + b"TFL3")
attempt("unsigned library", tf.TF_LoadLibrary, str(BAD / "model" / "own.so"))
"""


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workplace, Outcome]:
    """Return what became of every way to load."""
    workplace = make_guard_workplace(tmp_path_factory.mktemp("stand_ins"))
    for name, text in MODULES.items():
        place = workplace.place / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    bad = workplace.place / "bad"
    (bad / "config.json").write_text("{}")
    (bad / "tokenizer").touch()
    (bad / "model").mkdir()
    (bad / "model" / "tokenizer_config.json").write_text("{}")
    native = find_spec("_queue")
    assert native is not None
    assert native.origin is not None
    for place in (workplace.place, bad / "model"):
        shutil.copyfile(native.origin, place / "own.so")
    return workplace, run_guarded(workplace, LOADS)


def test_signed_models_load(loads: tuple[Workplace, Outcome]) -> None:
    """A reader that opens by name gets verified bytes, or the file itself where it writes."""
    workplace, outcome = loads
    found = {name: told for name, told in outcome.results.items() if name.startswith("good")}
    assert len(found) == 6, outcome.err
    assert all(told.startswith("loaded: ") for told in found.values()), found
    assert found["good CompiledModel"].startswith("loaded: '/proc/self/fd/")
    model = workplace.place / "model" / "a.npy"
    assert found["good tables.File"] == f"loaded: {model.read_bytes()!r}"
    assert found["good tables.File, appending"] == f"loaded: {str(model)!r}"


def test_unsigned_twins_are_denied(loads: tuple[Workplace, Outcome]) -> None:
    """What the policy does not allow gets no further than the entry point."""
    found = {name: told for name, told in loads[1].results.items() if name.startswith("unsigned")}
    assert len(found) == 8
    assert {name for name, told in found.items() if not told.startswith("denied: ")} == set()
