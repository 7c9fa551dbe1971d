"""What a guarded process pickled it reads back, and nobody else's bytes by that way (ADR 0042)."""

import importlib.util

import pytest

from support.guarding import Workplace, make_guard_workplace, run_guarded

START = """
import io
import pickle

EVIL = bytes.fromhex((BAD / "evil.hex").read_text())

class Own:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value

class Carrier:
    def __init__(self, data):
        self.data = data

    def __reduce__(self):
        return pickle.loads, (self.data,)
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return a workplace that the tests of this module share."""
    return make_guard_workplace(tmp_path_factory.mktemp("own_pickles"))


def outcomes(workplace: Workplace, script: str) -> dict[str, str]:
    """Return what became of each attempt of *script*, in one word."""
    outcome = run_guarded(workplace, START + script)
    assert outcome.results, outcome.err
    return {name: said.partition(":")[0] for name, said in outcome.results.items()}


def test_what_the_process_pickled_is_read_back(workplace: Workplace) -> None:
    """An object of the program's own class survives the way through bytes, by each reader."""
    script = """
data = pickle.dumps(Own([1, 2]))
attempt("loads", lambda: pickle.loads(data).value)
attempt("loads of other bytes objects", lambda: pickle.loads(bytearray(data)).value)
attempt("again", lambda: pickle.loads(data).value)
attempt("load", lambda: pickle.load(io.BytesIO(data)).value)
attempt("Unpickler", lambda: pickle.Unpickler(io.BytesIO(data)).load().value)
attempt("in Python", lambda: pickle._loads(pickle._dumps(Own(2), 4)).value)
attempt("an exception", lambda: pickle.loads(pickle.dumps(ValueError("x"))))
attempt("nested", lambda: pickle.loads(pickle.dumps(Carrier(pickle.dumps(Own(3))))).value)
if hasattr(os, "fork"):
    child = os.fork()
    if not child:
        os._exit(0 if pickle.loads(data) == Own([1, 2]) else 1)
    attempt("a child by fork", lambda: {0: "same"}[os.waitpid(child, 0)[1]])
"""
    assert set(outcomes(workplace, script).values()) == {"loaded"}


def test_other_bytes_are_no_pickle_of_the_process(workplace: Workplace) -> None:
    """Bytes that `dumps` did not return are judged: changed, joined, carried, older, in files."""
    script = """
own = pickle.dumps(Own("value"))
changed = own.replace(b"value", b"other")
assert changed != own
for name, data in {
    "changed": changed,
    "evil first": EVIL[:-1] + own,
    "evil": EVIL,
    "protocol 0": pickle.dumps(Own(1), 0),
    "protocol 2": pickle.dumps(Own(1), 2),
}.items():
    attempt(name, pickle.loads, data)
attempt("evil behind", lambda: pickle.loads(own + EVIL))
attempt("evil as data", lambda: pickle.loads(pickle.loads(pickle.dumps(EVIL))))
attempt("evil within", lambda: pickle.loads(pickle.dumps(Carrier(EVIL))))
attempt("evil next to it", lambda: (pickle.loads(own), pickle.loads(EVIL)))

class Injecting(pickle.Pickler):
    def persistent_id(self, thing):
        return EVIL_LINES if thing == "here" else None

EVIL_LINES = "x\\n0" + f"cpathlib\\nPath\\n(V{PLACE / 'marker'}\\ntR."
written = io.BytesIO()
Injecting(written, 0).dump("here")
attempt("a persistent id with lines", pickle.loads, written.getvalue())
(PLACE / "own.dat").write_bytes(own)
(PLACE / "other").mkdir(exist_ok=True)
attempt("a file", lambda: pickle.load(open(PLACE / "own.dat", "rb")))
"""
    assert set(outcomes(workplace, script).values()) == {"denied"}
    assert not workplace.marker.exists()


def test_processes_know_their_own_pickles_only(workplace: Workplace) -> None:
    """A process that did not make a pickle judges it, though one of the same program did."""
    script = """
import subprocess
data = pickle.dumps(Own(1))
code = (f"import sys, pickle; sys.path.insert(0, {str(PLACE)!r})\\n"
        f"try: pickle.loads({data!r})\\nexcept PermissionError: print('denied')")
attempt("child", lambda: subprocess.run(
    [sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
"""
    outcome = run_guarded(workplace, START + script)
    assert outcome.results == {"child": "loaded: 'denied'"}, outcome.err


@pytest.mark.frameworks
@pytest.mark.skipif(importlib.util.find_spec("dill") is None, reason="needs dill")
def test_functions_by_value(workplace: Workplace) -> None:
    """cloudpickle and dill read back the functions and classes that they took by value."""
    script = """
import cloudpickle
import dill

def made(number):
    return lambda value: value + number

for package in (cloudpickle, dill):
    name = package.__name__
    attempt(f"{name} function", lambda: package.loads(package.dumps(made(2)))(3))
    attempt(f"{name} class", lambda: package.loads(package.dumps(type("New", (Own,), {})))(3).value)
attempt("by pickle", lambda: pickle.loads(cloudpickle.dumps(made(2)))(3))
attempt("dill.copy", lambda: dill.copy(Own(3)).value)
attempt("evil cloudpickle", lambda: cloudpickle.loads(cloudpickle.dumps(Carrier(EVIL))))
attempt("evil dill", lambda: dill.loads(dill.dumps(Carrier(EVIL))))
"""
    found = outcomes(workplace, script)
    assert {name for name, said in found.items() if said == "denied"} == {
        "evil cloudpickle",
        "evil dill",
    }
    assert {name for name, said in found.items() if said == "failed"} == set()
    assert not workplace.marker.exists()
