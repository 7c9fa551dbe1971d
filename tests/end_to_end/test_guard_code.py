"""Code that lies with a model runs under the guard if the rule admits it, and never otherwise."""

import importlib.util
import py_compile
import shutil
import zipfile
from pathlib import Path

import pytest

from support.guarding import Outcome, Workplace, run_guarded
from support.signed_model import make_signed_model, safetensors_file

CODE = "from pathlib import Path\nPath({mark!r}).touch()\nANSWER = 42\n"

WAYS = """
import ctypes
import importlib
import importlib.machinery
import importlib.util
import runpy
import subprocess
import threading
import zipimport

def imported(folder, name):
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        return __import__(name).ANSWER
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)

def by_file(path, loader=None):
    spec = importlib.util.spec_from_file_location("some_name", path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ANSWER

def in_directory(folder, *arguments):
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True)
    return 42

def in_thread(folder, name):
    found = []
    def run():
        try:
            found.append(imported(folder, name))
        except PermissionError as error:
            found.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(found[0], PermissionError):
        raise found[0]
    return found[0]

def try_all(kind, folder):
    attempt(f"{kind} import", imported, folder, "brought")
    attempt(f"{kind} by file", by_file, folder / "brought.py")
    attempt(f"{kind} package", imported, folder / "deep", "package")
    attempt(f"{kind} thread", in_thread, folder, "brought")
    attempt(f"{kind} runpy", lambda: runpy.run_path(str(folder / "brought.py"))["ANSWER"])
"""

OTHER_WAYS = """
def zipped(path):
    try:
        return zipimport.zipimporter(str(path)).load_module("brought").ANSWER
    except zipimport.ZipImportError as error:
        raise error.__context__  # what it is raised for

def other_ways(kind, folder):
    attempt(f"{kind} compiled", imported, folder / "compiled", "brought")
    for name in ("brought.zip", "archive.npz"):
        attempt(f"{kind} {name}", zipped, folder / name)
    for name in ("brought.txt", "brought.npy"):
        attempt(f"{kind} runpy {name}", lambda: runpy.run_path(str(folder / name))["ANSWER"])
        loader = importlib.machinery.SourceFileLoader("some_name", str(folder / name))
        attempt(f"{kind} loader {name}", by_file, folder / name, loader)
    attempt(f"{kind} library", lambda: ctypes.CDLL(str(folder / "native.so")) and 42)
    attempt(f"{kind} extension", lambda: importlib.util.module_from_spec(
        importlib.util.spec_from_file_location("_queue", folder / "native.so")) and 42)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with `bad/`, an unsigned model with code, and a program's own module."""
    bad = tmp_path / "bad"
    write_code(bad, tmp_path / "marker")
    (bad / "model.safetensors").write_bytes(safetensors_file(a=[1.0]))
    (tmp_path / "link").symlink_to(bad)
    (tmp_path / "own.py").write_text("ANSWER = 42\n")
    (tmp_path / "checkpoint.pt").write_bytes(b"beside the program")
    return tmp_path


def write_code(folder: Path, mark: Path) -> None:
    """Write code that leaves *mark* to *folder*, in each form that Python loads."""
    (folder / "deep" / "package").mkdir(parents=True)
    (folder / "compiled").mkdir()
    text = CODE.format(mark=str(mark))
    for name in ("brought.py", "deep/package/__init__.py"):
        (folder / name).write_text(text)
    py_compile.compile(str(folder / "brought.py"), cfile=str(folder / "compiled" / "brought.pyc"))
    with zipfile.ZipFile(folder / "brought.zip", "w") as archive:
        archive.writestr("brought.py", text)
    shutil.copyfile(folder / "brought.zip", folder / "archive.npz")
    for name in ("brought.txt", "brought.npy"):
        (folder / name).write_text(text)
    native = importlib.util.find_spec("_queue")
    assert native is not None
    assert native.origin is not None
    shutil.copyfile(native.origin, folder / "native.so")


def workplace(place: Path, **rule: str) -> Workplace:
    """Return a workplace whose signed model brings code along, with the keys *rule* in its rule."""
    text = CODE.format(mark=str(place / "good"))
    files = {
        "model.safetensors": safetensors_file(a=[1.0]),
        "brought.py": text.encode(),
        "deep/package/__init__.py": text.encode(),
    }
    keys = {name.replace("_", "-"): value for name, value in rule.items()}
    formats = ("safetensors", "python-source", "text", "empty")
    return Workplace(
        place=place, signed=make_signed_model(place, files, formats=formats, rule=keys)
    )


def said(outcome: Outcome, kind: str) -> set[str]:
    """Return what became of the attempts of one kind."""
    assert outcome.results, outcome.err
    return {
        told.partition(":")[0] for name, told in outcome.results.items() if name.startswith(kind)
    }


def test_code_of_an_unsigned_model_never_runs(place: Path) -> None:
    """Imported, run, compiled, zipped, native, by a link, in a thread, beside a child: denied."""
    script = f"""{WAYS}{OTHER_WAYS}
try_all("bad", BAD)
other_ways("bad", BAD)
try_all("bad link", PLACE / "link")
attempt("child -c", in_directory, BAD, "-c", "import brought")
attempt("child -m", in_directory, BAD, "-m", "brought")
attempt("own", imported, PLACE, "own")
"""
    outcome = run_guarded(workplace(place), script)
    assert said(outcome, "bad") == {"denied"}, outcome.results
    assert said(outcome, "child") == {"failed"}
    assert not (place / "marker").exists()
    # A program's own module is its own, also where a checkpoint lies beside it.
    assert said(outcome, "own") == {"loaded"}


def test_the_ways_work_without_a_guard(place: Path) -> None:
    """With --audit each way runs the code, and what would have been denied is in the log."""
    script = f"""{WAYS}{OTHER_WAYS}
try_all("bad", BAD)
other_ways("bad", BAD)
"""
    log = place / "log"
    outcome = run_guarded(workplace(place), script, "--audit", "--log", str(log))
    assert said(outcome, "bad") == {"loaded"}, outcome.results
    assert log.read_text().count('"entry":"import"') >= len(outcome.results) - 1


def test_signed_code_takes_a_rule_that_admits_it(place: Path) -> None:
    """The signature of a model does not make its code run; `remote-code = "allow"` does."""
    script = f"""{WAYS}
try_all("good", MODEL)
"""
    denied = run_guarded(workplace(place), script)
    assert said(denied, "good") == {"denied"}, denied.results
    assert not (place / "good").exists()
    shutil.rmtree(place / "model")
    allowed = run_guarded(workplace(place, remote_code='"allow"'), script)
    assert said(allowed, "good") == {"loaded"}, allowed.results
    # What Python compiles of it would be files that nobody signed.
    assert not list((place / "model").rglob("__pycache__"))


def test_signed_code_is_imported_from_verified_bytes(place: Path) -> None:
    """Code that is exchanged after the check is not imported, and neither is what was added."""
    script = f"""{WAYS}
attempt("good", imported, MODEL, "brought")
good = (MODEL / "brought.py").read_text()
(MODEL / "brought.py").write_text((BAD / "brought.py").read_text())
attempt("exchanged", imported, MODEL, "brought")
(MODEL / "brought.py").write_text(good)
(MODEL / "added.py").write_text((BAD / "brought.py").read_text())
attempt("added", imported, MODEL, "added")
"""
    outcome = run_guarded(workplace(place, remote_code='"allow"'), script)
    assert [outcome.results[name].partition(":")[0] for name in ("good", "exchanged", "added")] == [
        "loaded",
        "denied",
        "denied",
    ], outcome.results
    assert not (place / "marker").exists()


def test_a_directory_that_a_rule_names(place: Path) -> None:
    """A directory that a rule names is a model's, whatever lies in it; others need a sign of it."""
    for name in ("named", "other"):
        write_code(place / name, place / "marker")
    script = f"""{WAYS}
try_all("named", PLACE / "named")
attempt("other", imported, PLACE / "other", "brought")
"""
    found = workplace(place, match='["named"]')
    outcome = run_guarded(found, script)
    assert said(outcome, "named") == {"denied"}, outcome.results
    assert outcome.results["other"] == "loaded: 42"
