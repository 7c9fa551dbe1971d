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
