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
        assert not any(name.isupper() for name in parameters)
        self.opened = parameters.get("driver_core_image", filename)
""",
    "spacy/__init__.py": "",
    "spacy/util.py": """
def load_model_from_path(model_path, *, meta=None):
    return (model_path / "config.json").read_text()
""",
    "spacy/language.py": """
import os

class Language:
    def from_disk(self, path, *, exclude=()):
        with open(path + "/m.dat") as file:
            return os.readlink(f"/proc/self/fd/{file.fileno()}")
""",
    "flair/__init__.py": "",
    "flair/file_utils.py": """
import os

def load_torch_state(model_file):
    with open(model_file) as file:
        return os.readlink(f"/proc/self/fd/{file.fileno()}")
""",
    "stable_baselines3/__init__.py": "",
    "stable_baselines3/common/__init__.py": "",
    "stable_baselines3/common/save_util.py": """
import os

def load_from_zip_file(load_path, load_data=True):
    if not os.path.exists(load_path):
        load_path = load_path + ".zip"
    with open(load_path) as file:
        return os.readlink(f"/proc/self/fd/{file.fileno()}")
""",
    "hyperpyyaml/__init__.py": "from hyperpyyaml.core import load_hyperpyyaml\n",
    "hyperpyyaml/core.py": """
def _construct_object(loader, named, node):
    return named

def _applyref_function(named, node):
    return named

def resolve_references(yaml_stream, overrides=None):
    return _applyref_function(yaml_stream.read(), None)

def load_hyperpyyaml(yaml_stream, overrides=None):
    return _construct_object(None, resolve_references(yaml_stream), None)
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
import io
from ai_edge_litert import _pywrap_litert_compiled_model_wrapper as litert
from flair.file_utils import load_torch_state
from hyperpyyaml import load_hyperpyyaml
from spacy.language import Language
from spacy.util import load_model_from_path
from stable_baselines3.common.save_util import load_from_zip_file
from tables.file import File
from tensorflow.python.client import pywrap_tf_session as tf

for kind, place, name in (("good", MODEL, "a.npy"), ("unsigned", BAD, "unsigned-a.npy")):
    path = str(place / name)
    attempt(f"{kind} tables.File", lambda: File(path).opened)
    attempt(f"{kind} tables.File, appending", lambda: File(path, "a", title="x").opened)
    attempt(f"{kind} CompiledModel", litert.CreateCompiledModelFromFile, None, path)
    attempt(f"{kind} spacy.load", load_model_from_path, place)
    attempt(f"{kind} flair", load_torch_state, place / name.replace("a.npy", "m.dat"))
    with open(place / "model.yaml" if kind == "unsigned" else place / "config.json") as file:
        attempt(f"{kind} hyperpyyaml", load_hyperpyyaml, file)
image = {"driver": "H5FD_CORE", "driver_core_image": b"\\x89HDF\\r"}
attempt("unsigned tables.File in memory", lambda: File("x", "a", **image))
attempt("unsigned tables.File in memory, in capitals",
        lambda: File("x", "a", **{key.upper(): value for key, value in image.items()}))
attempt("unsigned tables.File by a driver that takes no image",
        lambda: File(str(BAD / "unsigned-a.npy"), driver_core_image=b""))
attempt("good hyperpyyaml in memory", load_hyperpyyaml, io.StringIO("datetime.date"))
attempt("unsigned hyperpyyaml in memory", load_hyperpyyaml, io.StringIO("os.system"))
attempt("good stable_baselines3", load_from_zip_file, str(MODEL / "m.dat"))
attempt("unsigned stable_baselines3", load_from_zip_file, str(BAD / "agent"))
(PLACE / "current").symlink_to(MODEL)
attempt("good Language.from_disk by a link", Language().from_disk, str(PLACE / "current"))
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
    (bad / "agent.zip").touch()
    (bad / "model.yaml").write_text("os.system")
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
    assert len(found) == 11, outcome.err
    assert {name: told for name, told in found.items() if not told.startswith("loaded: ")} == {}
    assert found["good CompiledModel"].startswith("loaded: '/proc/self/fd/")
    model = workplace.place / "model" / "a.npy"
    assert found["good tables.File"] == f"loaded: {model.read_bytes()!r}"
    assert found["good tables.File, appending"] == f"loaded: {str(model)!r}"
    for name in ("flair", "stable_baselines3", "Language.from_disk by a link"):
        assert found[f"good {name}"].startswith("loaded: '/memfd:"), name


def test_unsigned_twins_are_denied(loads: tuple[Workplace, Outcome]) -> None:
    """What the policy does not allow gets no further than the entry point."""
    found = {name: told for name, told in loads[1].results.items() if name.startswith("unsigned")}
    assert len(found) == 14
    assert {name for name, told in found.items() if not told.startswith("denied: ")} == set()
