"""Unmodified programs under `weighbridge exec`: verified bytes or an error, in every process."""

import json
import sys
from pathlib import Path

import pytest

from support.guarding import Outcome, Workplace, make_guard_workplace, run_guarded
from weighbridge.load.guard.children import ORDER_VARIABLE

pytestmark = pytest.mark.usefixtures("measured_programs")

LOADS = """
import io, mmap, pickle, shelve, threading, gzip
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load, load_file

def unpickled(path, load=pickle.load):
    with open(path, "rb") as file:
        return load(file)

def by_class(path, kind):
    with open(path, "rb") as file:
        return kind(file).load()

def shelved():
    with shelve.open(str(PLACE / "shelf")) as shelf:
        shelf["a"] = {"b": (1, 2)}
        return shelf["a"]

class Sub(pickle.Unpickler):
    def find_class(self, module, name):
        return super().find_class(module, name)

class Blind(pickle._Unpickler):
    def find_class(self, module, name):
        __import__(module)
        found = sys.modules[module]
        for part in name.split("."):
            found = getattr(found, part)
        return found

def by_numbers():
    # By a path that begins like that of a descriptor and ends in the number of one.
    for number in os.listdir("/proc/self/fd"):
        (BAD / number).symlink_to(BAD / "unsigned-m.safetensors")
        try:
            return load_file(f"/proc/self/fd/../../..{BAD}/{number}")
        except PermissionError:
            pass
    raise PermissionError

for where, prefix in ((MODEL, ""), (BAD, "unsigned-")):
    kind = "good" if where is MODEL else "unsigned"
    attempt(f"{kind} pickle.load", unpickled, where / f"{prefix}m.pkl")
    attempt(f"{kind} pickle.load protocol 0", unpickled, where / f"{prefix}old.pkl")
    attempt(f"{kind} pickle.load of any name", unpickled, where / f"{prefix}m.dat")
    attempt(f"{kind} pickle._load", unpickled, where / f"{prefix}m.pkl", pickle._load)
    attempt(f"{kind} subclass", by_class, where / f"{prefix}m.pkl", Sub)
    attempt(f"{kind} subclass in Python", by_class, where / f"{prefix}m.pkl", Blind)
    attempt(f"{kind} numpy.load", lambda: np.load(where / f"{prefix}a.npy").tolist())
    attempt(f"{kind} numpy.load npz", lambda: np.load(where / f"{prefix}a.npz")["x"].tolist())
    attempt(f"{kind} numpy.load mapped",
            lambda: np.load(where / f"{prefix}a.npy", mmap_mode="r").tolist())
    attempt(f"{kind} numpy.load objects",
            lambda: np.load(where / f"{prefix}objects.npy", allow_pickle=True).tolist())
    attempt(f"{kind} numpy.fromfile", lambda: np.fromfile(where / f"{prefix}a.npy", "u1").size)
    attempt(f"{kind} numpy.memmap", lambda: np.memmap(where / f"{prefix}a.npy", mode="r").size)
    attempt(f"{kind} safetensors load_file",
            lambda: load_file(where / f"{prefix}m.safetensors")["a"].tolist())
    attempt(f"{kind} safe_open", lambda: sorted(
        safe_open(where / f"{prefix}m.safetensors", "np").keys()))
    attempt(f"{kind} safetensors load",
            lambda: load((where / f"{prefix}m.safetensors").read_bytes())["a"].tolist())
    attempt(f"{kind} Path.read_bytes", lambda: len((where / f"{prefix}m.pkl").read_bytes()))
(BAD / "link.npy").symlink_to(np.__file__)
attempt("unsigned link to a package", lambda: (BAD / "link.npy").read_bytes())
attempt("unsigned path of a descriptor",
        lambda: np.load(f"/proc/self/fd/../../..{BAD}/unsigned-a.npy"))
attempt("unsigned number of a descriptor", by_numbers)
attempt("good in memory", lambda: pickle.loads(pickle.dumps({"a": [1, 2.5, b"x"]})))
attempt("good in memory with more behind it", lambda: pickle.loads(pickle.dumps([1]) + b"rest"))
attempt("good stream of two", lambda: (lambda f: [pickle.load(f), pickle.load(f)])(
    io.BytesIO(pickle.dumps(1) + pickle.dumps(2))))
attempt("good gzip", lambda: pickle.load(gzip.GzipFile(fileobj=io.BytesIO(
    gzip.compress(pickle.dumps({"a": 1}))))))
attempt("good shelve", shelved)
attempt("good second load", unpickled, MODEL / "m.pkl")

evil = bytes.fromhex((BAD / "evil.hex").read_text())
for name, function in {
    "pickle.load": lambda: unpickled(BAD / "evil.pkl"),
    "any name": lambda: unpickled(BAD / "evil"),
    "a link of a harmless name": lambda: unpickled(BAD / "link.txt"),
    "pickle._load": lambda: unpickled(BAD / "evil", pickle._load),
    "subclass": lambda: by_class(BAD / "evil", Sub),
    "subclass in Python": lambda: by_class(BAD / "evil", Blind),
    "pickle.loads": lambda: pickle.loads(evil),
    "pickle._loads": lambda: pickle._loads(evil),
    "subclass in memory": lambda: Sub(io.BytesIO(evil)).load(),
    "subclass in Python in memory": lambda: Blind(io.BytesIO(evil)).load(),
    "numpy.load": lambda: np.load(BAD / "evil", allow_pickle=True),
    "numpy.load in memory": lambda: np.load(io.BytesIO(evil), allow_pickle=True),
    "gzip": lambda: pickle.load(gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(evil)))),
    "io.FileIO": lambda: pickle.load(io.FileIO(BAD / "evil.pkl")),
    "os.open": lambda: pickle.load(os.fdopen(os.open(BAD / "evil", os.O_RDONLY), "rb")),
    "mmap": lambda: pickle.loads(mmap.mmap(os.open(BAD / "evil", os.O_RDONLY), 0,
                                           prot=mmap.PROT_READ)),
    "a truncated pickle": lambda: pickle.loads(evil[:-1]),
}.items():
    attempt(f"evil {name}", function)
thread = threading.Thread(target=attempt, args=("evil thread", unpickled, BAD / "evil.pkl"))
thread.start()
thread.join()
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return a workplace that the tests of this module share."""
    return make_guard_workplace(tmp_path_factory.mktemp("guard"))


@pytest.fixture(scope="module")
def loads(workplace: Workplace) -> Outcome:
    """Return what became of every way to load."""
    outcome = run_guarded(workplace, LOADS)
    assert outcome.results, outcome.err
    return outcome


def of_kind(outcome: Outcome, kind: str) -> dict[str, str]:
    """Return the outcomes of the attempts whose names start with *kind*."""
    found = {name: said for name, said in outcome.results.items() if name.startswith(kind)}
    assert found
    return found


def test_signed_models_load(loads: Outcome) -> None:
    """Each loader gives of the signed model what it gives without a guard."""
    value = "{'low': [0.25, 0.5], 'names': ('a', 'b')}"
    expected = {
        "good pickle.load": value,
        "good subclass in Python": value,
        "good numpy.load": "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]",
        "good numpy.load npz": "[0.0, 1.0, 2.0]",
        "good numpy.load objects": "[1, 'two', None]",
        "good safetensors load_file": "[1.0, 2.0]",
        "good stream of two": "[1, 2]",
    }
    found = of_kind(loads, "good ")
    assert {name: said for name, said in found.items() if not said.startswith("loaded: ")} == {}
    assert {name: found[name] for name in expected} == {
        name: f"loaded: {text}" for name, text in expected.items()
    }


def test_unsigned_twins_are_denied(loads: Outcome) -> None:
    """Each loader refuses the same bytes without a signature, and says so as a `PermissionError`."""
    found = of_kind(loads, "unsigned ")
    assert [name for name, said in found.items() if not said.startswith("denied: ")] == []


def test_denials_name_model_rule_and_reason(loads: Outcome) -> None:
    """The error in the program's own call names the file, the rule and the reason."""
    said = loads.results["unsigned safetensors load_file"]
    for part in ("unsigned-m.safetensors", "safetensors.safe_open", "rule 1", "no signature"):
        assert part in said


def test_denials_of_bytes_in_memory_say_where_to_read_on(loads: Outcome) -> None:
    """What belongs to no file has no rule and no publisher: the error names the page on it."""
    said = loads.results["evil pickle.loads"]
    assert "docs/guard.md" in said
    assert "publisher" not in said


def test_nothing_of_evil_runs(loads: Outcome, workplace: Workplace) -> None:
    """No way to load an evil pickle loads it, in a file, in memory, in a thread."""
    found = of_kind(loads, "evil ")
    assert [name for name, said in found.items() if said.startswith("loaded: ")] == []
    assert not workplace.marker.exists()


CHILDREN = """
import multiprocessing, pickle, subprocess
from concurrent.futures import ProcessPoolExecutor

class Own:
    def __init__(self, value):
        self.value = value

def load(path):
    try:
        with open(path, "rb") as file:
            return repr(pickle.load(file))
    except PermissionError:
        return "denied"

def same(own):
    return own

if __name__ == "__main__":
    paths = [MODEL / "m.dat", BAD / "evil", BAD / "evil.pkl"]
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(1) as pool:
            attempt(method, pool.map, load, paths)
            attempt(f"{method} objects", lambda: pool.apply(same, (Own(7),)).value)
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            attempt(f"{method} executor", lambda: list(executor.map(load, paths)))
    code = f"import sys; sys.path.insert(0, {str(PLACE)!r}); import program; print([program.load(p)"
    code += f" for p in {[str(path) for path in paths]!r}])"
    attempt("subprocess", lambda: subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True).stdout)
    with multiprocessing.Manager() as manager:
        kept = manager.dict(a=Own(8))
        attempt("manager", lambda: kept["a"].value)
"""


def test_children_are_guarded(workplace: Workplace) -> None:
    """Processes by fork, spawn, forkserver and subprocess load what is signed and nothing evil."""
    outcome = run_guarded(workplace, CHILDREN)
    value = "{'low': [0.25, 0.5], 'names': ('a', 'b')}"
    loaded = [value, "denied", "denied"]
    for name in ("fork", "spawn", "forkserver"):
        assert outcome.results[name] == f"loaded: {loaded!r}", outcome.err
        assert outcome.results[f"{name} executor"] == f"loaded: {loaded!r}"
        # What processes of one program send to each other is its own business.
        assert outcome.results[f"{name} objects"] == "loaded: 7"
    assert "low" in outcome.results["subprocess"]
    assert outcome.results["subprocess"].count("denied") == 2
    assert outcome.results["manager"] == "loaded: 8"
    assert not workplace.marker.exists()


PRELOADED = """
import pickle, signal, threading
from weighbridge.load.guard import watch

def unpickled(path):
    with open(path, "rb") as file:
        return pickle.load(file)

def forked(function, *arguments):
    child = os.fork()
    if not child:
        try:
            function(*arguments)
            os._exit(0)
        except PermissionError:
            os._exit(13)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

attempt("preloaded", unpickled, MODEL / "m.pkl")
held, go_on = threading.Event(), threading.Event()
guard = watch.guard()

def hold():
    with guard._lock, guard._gate._lock, watch.state.lock:
        held.set()
        go_on.wait()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
attempt("worker again", forked, unpickled, MODEL / "m.pkl")
attempt("worker", forked, unpickled, MODEL / "m.dat")
attempt("worker evil", forked, unpickled, BAD / "evil")
go_on.set()
thread.join()
"""


def test_workers_of_a_server_that_loaded_before(workplace: Workplace) -> None:
    """A fork of a process that holds a model loads of it, though a thread was deciding just then."""
    outcome = run_guarded(workplace, PRELOADED)
    assert outcome.results["worker again"] == "loaded: 0", (outcome.results, outcome.err)
    assert outcome.results["worker"] == "loaded: 0"
    assert outcome.results["worker evil"] == "loaded: 13"
    assert not workplace.marker.exists()


def test_audit_records_and_lets_go(workplace: Workplace) -> None:
    """With --audit an unsigned model is loaded, and the log has why it would not be."""
    log = workplace.place / "log.jsonl"
    script = """
import pickle
for name in ("unsigned-m.pkl", "unsigned-m.dat"):
    with open(BAD / name, "rb") as file:
        attempt(name, pickle.load, file)
"""
    outcome = run_guarded(workplace, script, "--audit", "--log", str(log))
    assert {said.partition(":")[0] for said in outcome.results.values()} == {"loaded"}
    events = [json.loads(line) for line in log.read_text().splitlines()]
    denied = [event for event in events if event["decision"] == "deny"]
    assert {Path(event["path"]).name for event in denied} == {"unsigned-m.pkl", "unsigned-m.dat"}
    assert {event["enforced"] for event in denied} == {False}
    assert denied[0]["schema"] == "weighbridge.guard/v1"
    assert denied[0]["rule"] == "rule 1: **"


def test_log_has_what_was_allowed(workplace: Workplace) -> None:
    """With --log every decision is a line, those that allow as well."""
    log = workplace.place / "both.jsonl"
    script = """
import pickle
attempt("good", pickle.load, open(MODEL / "m.pkl", "rb"))
attempt("bad", lambda: pickle.load(open(BAD / "unsigned-m.pkl", "rb")))
"""
    run_guarded(workplace, script, "--log", str(log))
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["decision"] for event in events] == ["allow", "deny"]
    assert [event["enforced"] for event in events] == [True, True]


def test_exchanged_files_are_never_seen(workplace: Workplace) -> None:
    """A file of a verified artifact that is exchanged gives the old bytes or an error."""
    script = """
import pickle
path = MODEL / "m.pkl"
good = path.read_bytes()
attempt("first", lambda: pickle.loads(good))
path.write_bytes(bytes.fromhex((BAD / "evil.hex").read_text()))
attempt("exchanged", lambda: pickle.load(open(path, "rb")))
path.write_bytes(good)
attempt("back", lambda: pickle.load(open(path, "rb")))

def late(name):
    os.path.isfile = isfile
    return False

isfile, os.path.isfile = os.path.isfile, late
with open(path, "rb") as file:
    attempt("put there meanwhile", os.readlink, f"/proc/self/fd/{file.fileno()}")
"""
    outcome = run_guarded(workplace, script)
    assert outcome.results["put there meanwhile"].startswith("loaded: '/memfd:")
    said = [outcome.results[name].partition(":")[0] for name in ("first", "exchanged", "back")]
    assert said == ["loaded", "denied", "loaded"]
    assert not workplace.marker.exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (ORDER_VARIABLE, ""),
        (ORDER_VARIABLE, "0" * 64 + ":/nowhere"),
    ],
)
def test_a_guard_that_cannot_start_ends_the_process(
    workplace: Workplace, variable: str, value: str
) -> None:
    """A child that finds the hook and no order does not run."""
    script = f"""
import subprocess
from weighbridge.load.guard import watch
watch.local.working = 1  # so that starting the child is not what is refused
done = subprocess.run([sys.executable, "-c", "print('ran')"], capture_output=True, text=True,
                      env=os.environ | {{{variable!r}: {value!r}}})
OUT["code"], OUT["out"], OUT["err"] = str(done.returncode), done.stdout, done.stderr
"""
    outcome = run_guarded(workplace, script)
    assert outcome.results["code"] == "78", outcome.err
    assert outcome.results["out"] == ""
    assert "the guard cannot start" in outcome.results["err"]


def test_the_exit_code_is_the_programs(workplace: Workplace) -> None:
    """The command ends as the program does."""
    assert run_guarded(workplace, "sys.exit(7)").code == 7


def test_a_program_that_does_not_exist(workplace: Workplace) -> None:
    """Without a program there is nothing to guard, which is a mistake of the caller."""
    outcome = run_guarded(workplace, "", python="no-such-program")
    assert outcome.code == 2
    assert "no such program" in outcome.err


def test_what_the_guard_imports_is_not_the_programs(tmp_path: Path) -> None:
    """Modules beside a program, as a model in the working directory has them, are never ours."""
    workplace = make_guard_workplace(tmp_path)
    (tmp_path / "weighbridge").mkdir()
    for name in ("weighbridge/__init__.py", "tomllib.py"):
        (tmp_path / name).write_text(f"open({str(workplace.marker)!r}, 'w').close()\n")
    script = """
attempt("good", lambda: (MODEL / "m.pkl").read_bytes()[:1])
attempt("unsigned", lambda: (BAD / "unsigned-m.pkl").read_bytes()[:1])
"""
    outcome = run_guarded(workplace, script)
    assert outcome.results["good"] == "loaded: b'\\x80'", outcome.err
    assert outcome.results["unsigned"].startswith("denied")
    assert not workplace.marker.exists()


def test_a_programs_own_sitecustomize_runs(workplace: Workplace) -> None:
    """A sitecustomize that the program would have without the guard is run after it."""
    own = workplace.place / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys; sys.own_customization = True\n")
    script = (
        "attempt('own', lambda: (sys.own_customization, [p for p in sys.path if 'start' in p]))"
    )
    outcome = run_guarded(workplace, script, environment={"PYTHONPATH": str(own)})
    assert outcome.results["own"] == "loaded: (True, [])"


def test_guard_in_a_program(workplace: Workplace) -> None:
    """`weighbridge.guard` guards entry points that were imported before, under other names too."""
    script = f"""
import io, pickle
from pickle import loads
import numpy as np
from safetensors.numpy import load_file
import weighbridge as wb
wb.guard(wb.Policy.from_file({str(workplace.policy)!r}))
attempt("good", lambda: load_file(MODEL / "m.safetensors")["a"].tolist())
attempt("unsigned", lambda: load_file(BAD / "unsigned-m.safetensors"))
attempt("evil", lambda: loads(bytes.fromhex((BAD / "evil.hex").read_text())))
attempt("numpy", lambda: np.load(BAD / "unsigned-a.npy"))
attempt("twice", lambda: wb.guard(wb.Policy.from_file({str(workplace.policy)!r})))
attempt("no policy", lambda: wb.guard(None))
"""
    import subprocess  # noqa: PLC0415

    from support.guarding import END, PRELUDE  # noqa: PLC0415

    program = workplace.place / "own_guard.py"
    program.write_text(PRELUDE.format(place=str(workplace.place)) + script + END)
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False
    )
    results = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT"))
    assert results["good"] == "loaded: [1.0, 2.0]"
    assert [results[name].partition(":")[0] for name in ("unsigned", "evil", "numpy")] == (
        ["denied"] * 3
    )
    assert "already" in results["twice"]
    assert "expected a Policy" in results["no policy"]
    assert not workplace.marker.exists()
