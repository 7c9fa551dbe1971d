"""Roundabout ways to a loader under `weighbridge exec`: none of them runs what nobody allowed."""

import importlib.util

import pytest

from support.guarding import Workplace, make_guard_workplace, run_guarded

START = """
import pickle
EVIL = bytes.fromhex((BAD / "evil.hex").read_text())
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return a workplace that the tests of this module share."""
    return make_guard_workplace(tmp_path_factory.mktemp("guard_paths"))


def outcomes(workplace: Workplace, script: str) -> dict[str, str]:
    """Return what became of each attempt of *script*, in one word."""
    outcome = run_guarded(workplace, START + script)
    assert outcome.results, outcome.err
    return {name: said.partition(":")[0] for name, said in outcome.results.items()}


def test_pools_judge_what_they_are_told_to_unpickle(workplace: Workplace) -> None:
    """An executor that is given `pickle.loads` to call is no exchange between processes."""
    script = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

GOOD = pickle.dumps([1, 2])
if __name__ == "__main__":
    for kind, make in {
        "threads": lambda: ThreadPoolExecutor(1),
        "processes": lambda: ProcessPoolExecutor(1),
    }.items():
        with make() as executor:
            attempt(f"good {kind}", lambda: executor.submit(pickle.loads, GOOD).result())
            attempt(f"evil {kind}", lambda: executor.submit(pickle.loads, EVIL).result())
    for kind, make in {"pool": multiprocessing.Pool, "thread pool": ThreadPool}.items():
        with make(1) as pool:
            attempt(f"good {kind}", lambda: pool.map(pickle.loads, [GOOD]))
            attempt(f"evil {kind}", lambda: pool.apply(pickle.loads, (EVIL,)))
"""
    assert outcomes(workplace, script) == {
        f"{kind} {way}": "loaded" if kind == "good" else "denied"
        for way in ("threads", "processes", "pool", "thread pool")
        for kind in ("good", "evil")
    }
    assert not workplace.marker.exists()


def test_marshalled_files_are_refused(workplace: Workplace) -> None:
    """Code is refused as marshalled data, from a file as from memory."""
    script = """
import io, marshal
code = marshal.dumps(compile("(PLACE / 'marker').touch()", "m", "exec"))
attempt("load", lambda: exec(marshal.load(io.BytesIO(code))))
attempt("loads", lambda: exec(marshal.loads(code)))
"""
    assert outcomes(workplace, script) == {"load": "denied", "loads": "denied"}
    assert not workplace.marker.exists()


@pytest.mark.frameworks
@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="needs pandas")
def test_names_that_pandas_resolves_itself(workplace: Workplace) -> None:
    """`pandas.read_pickle` of a URL, of `~`, and with its arguments in any order is judged."""
    script = """
import pandas as pd
os.environ["HOME"] = str(BAD)
for name, load in {
    "file URL": lambda name: pd.read_pickle(f"file://{BAD}/{name}"),
    "home": lambda name: pd.read_pickle(f"~/{name}"),
    "keywords": lambda name: pd.read_pickle(compression="infer", filepath_or_buffer=BAD / name),
}.items():
    attempt(f"evil by {name}", load, "evil")
attempt("good by keywords", lambda: pd.read_pickle(
    compression="infer", filepath_or_buffer=MODEL / "m.dat"))
"""
    assert outcomes(workplace, script) == {
        "evil by file URL": "denied",
        "evil by home": "denied",
        "evil by keywords": "denied",
        "good by keywords": "loaded",
    }
    assert not workplace.marker.exists()


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="needs transformers")
def test_code_of_custom_generation(workplace: Workplace) -> None:
    """The code of a model that `custom_generate` names is denied as its other code is."""
    folder = workplace.place / "bad" / "generating" / "custom_generate"
    folder.mkdir(parents=True)
    (folder / "generate.py").write_text(
        f"open({str(workplace.marker)!r}, 'w').close()\ndef generate(model): ...\n"
    )
    (folder.parent / "config.json").write_text("{}")
    script = """
from transformers import GenerationMixin
attempt("custom", lambda: GenerationMixin().load_custom_generate(
    BAD / "generating", trust_remote_code=True))
"""
    assert outcomes(workplace, script) == {"custom": "denied"}
    assert not workplace.marker.exists()


@pytest.mark.frameworks
@pytest.mark.skipif(importlib.util.find_spec("joblib") is None, reason="needs joblib")
def test_large_arrays_reach_the_workers_of_joblib(workplace: Workplace) -> None:
    """Files that joblib makes for its own workers are an exchange; elsewhere they are judged."""
    script = """
import joblib
import numpy as np
from joblib.numpy_pickle import load_temporary_memmap

if __name__ == "__main__":
    attempt("workers", lambda: joblib.Parallel(n_jobs=2)(
        joblib.delayed(np.sum)(np.ones(1 << 18)) for _ in range(2)))
    folder = PLACE / "joblib_memmapping_folder_1"
    folder.mkdir(mode=0o700)
    (folder / "evil").write_bytes(EVIL)
    attempt("no exchange", lambda: load_temporary_memmap(str(folder / "evil"), "r", False))
"""
    assert outcomes(workplace, script) == {"workers": "loaded", "no exchange": "denied"}
    assert not workplace.marker.exists()


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_packages_and_modules_of_torch(workplace: Workplace) -> None:
    """Code in packages, zipped or not, and modules for other interpreters are denied unsigned."""
    script = """
import io, warnings, zipfile
import torch
from torch.jit.mobile import _load_for_lite_interpreter
from torch.package import PackageExporter, PackageImporter

warnings.simplefilter("ignore")  # these formats are on their way out

class Plus(torch.nn.Module):
    def forward(self, x):
        return x + 1

with PackageExporter(str(BAD / "package")) as exporter:
    exporter.save_source_string("evil", f"open({str(PLACE / 'marker')!r}, 'w').close()")
with zipfile.ZipFile(BAD / "package") as archive:
    archive.extractall(BAD / "unzipped")
module = torch.jit.script(Plus())
(BAD / "lite").write_bytes(module._save_to_buffer_for_lite_interpreter())
torch.jit.save_jit_module_to_flatbuffer(module, str(BAD / "flat"))
unzipped = str(next((BAD / "unzipped").iterdir()))
attempt("package", lambda: PackageImporter(str(BAD / "package")).import_module("evil"))
attempt("package in memory", lambda: PackageImporter(
    io.BytesIO((BAD / "package").read_bytes())).import_module("evil"))
attempt("unzipped", lambda: PackageImporter(unzipped).import_module("evil"))
attempt("lite", lambda: _load_for_lite_interpreter(str(BAD / "lite")))
attempt("flat", lambda: torch.jit.jit_module_from_flatbuffer(str(BAD / "flat")))
attempt("type", lambda: isinstance(None, torch._C.PyTorchFileReader))
"""
    expected = dict.fromkeys(("package", "package in memory", "unzipped", "lite", "flat"), "denied")
    assert outcomes(workplace, script) == expected | {"type": "loaded"}
    assert not workplace.marker.exists()


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_machines_that_meet_for_training(workplace: Workplace) -> None:
    """The rendezvous of PyTorch takes the state that other machines send, and nothing else."""
    script = """
import subprocess
from torch.distributed.elastic.rendezvous import dynamic_rendezvous as module

code = ("import pickle; from torch.distributed.elastic.rendezvous import dynamic_rendezvous as m;"
        " print(pickle.dumps(m._RendezvousState()).hex())")
done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
STATE = bytes.fromhex(done.stdout)
received = lambda data: eval("pickle.loads(data)", vars(module) | {"data": data})
attempt("good state", received, STATE)
attempt("evil", received, EVIL)
attempt("evil elsewhere", pickle.loads, STATE)
"""
    assert outcomes(workplace, script) == {
        "good state": "loaded",
        "evil": "denied",
        "evil elsewhere": "denied",
    }
    assert not workplace.marker.exists()


def test_children_of_a_compiler_have_the_hook(workplace: Workplace) -> None:
    """A Python that gets its search path from `TORCH_CUSTOM_PYTHONPATH` runs, and is guarded."""
    script = """
import subprocess
path = os.environ["TORCH_CUSTOM_PYTHONPATH"]
run = lambda code: subprocess.run(
    [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, check=True)
attempt("good", run, "import pickle; pickle.loads(pickle.dumps([1]))")
attempt("evil", run, f"import pickle; pickle.loads({EVIL!r})")
"""
    assert outcomes(workplace, script) == {"good": "loaded", "evil": "failed"}
    assert not workplace.marker.exists()
