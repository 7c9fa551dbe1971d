"""Pickles that are opened behind walls: what they run stays inside, and liars are errors."""

import json
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.handed_back import WHERE, held, opened, told
from support.running_pickles import ATTEMPTS, NAMES, running, world
from support.users import as_user, python_of, users
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    IndeterminateError,
    IsolationError,
    LimitExceededError,
    MalformedContentError,
    OperationError,
    WeighbridgeError,
)
from weighbridge.load.isolated import parent
from weighbridge.load.isolated.parent import Opening, open_isolated
from weighbridge.load.isolated.plain import Opaque
from weighbridge.sandbox.walls import engines
from weighbridge.sandbox.walls.interface import REQUIRED, Limits, Strength, Wall

NEEDS = ("weighbridge.pipeline.isolated",)

_OPEN = """
import json, sys
from weighbridge.core.artifact import FileFormat
from weighbridge.load.held import HeldFile
from weighbridge.load.memory import InlineMemory
from weighbridge.load.isolated.parent import Opening, open_isolated
held = HeldFile(InlineMemory(sys.stdin.buffer.read()))
how = Opening(judged=False, engine=sys.argv[1])
opened = open_isolated(held, FileFormat.PICKLE, how, name="m", where="m")
print(json.dumps(opened.value))
"""

_OPENLY = "import json, pickle, sys; print(json.dumps(pickle.load(sys.stdin.buffer)))"


@pytest.fixture
def engine(opening_engine: str) -> str:
    """Return an engine that pickles are opened by."""
    return opening_engine


def opened_by(
    user: str | None, data: bytes, script: str, *arguments: str, place: Path = Path("/")
) -> Any:
    """Return what *script*, run as *user*, says that the pickle *data* holds."""
    python = python_of(user, *NEEDS)
    assert python is not None
    how = as_user(user, {"RUNNING_SECRET": "a secret"})
    del how["text"]
    done = subprocess.run(
        [python, "-c", script, *arguments], input=data, check=False, cwd=place, **how
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("user", users(*NEEDS), ids=str)
def test_what_a_pickle_runs_stays_inside(tmp_path: Path, engine: str, user: str | None) -> None:
    """A pickle that may ask for anything reaches nothing: no file, program, process or listener."""
    for above in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        above.chmod(0o755)
    with world(tmp_path) as outside:
        data = running(ATTEMPTS, **outside.names)
        tried = opened_by(user, data, _OPEN, engine)
        assert outside.reached() == set()
    assert set(tried) == set(NAMES)
    assert {name: said for name, said in tried.items() if not said.startswith("refused")} == {}


def test_the_same_pickle_without_walls(tmp_path: Path) -> None:
    """The twin: opened as usual, it runs programs, writes, reads, and talks to the listener."""
    with world(tmp_path) as outside:
        code = ATTEMPTS.replace('attempt("execute"', "(lambda *_: None)(None")
        tried = opened_by(None, running(code, **outside.names), _OPENLY, place=tmp_path)
        reached = outside.reached()
    assert {"marker-system", "marker-write", "connect", "datagram", "temporary"} <= reached
    worked = {name for name, said in tried.items() if not said.startswith("refused")}
    assert worked >= {"system", "program", "write", "read-secret", "connect", "fork", "parent"}


def test_what_was_made_inside_comes_back(engine: str) -> None:
    """What such a pickle makes comes back in plain values, whatever it has done."""
    found = opened(running("found = {'a': [1, 2.5], 'b': range(3)}"), engine=engine)
    assert isinstance(found.value, dict)
    assert found.value["a"] == [1, 2.5]
    assert isinstance(found.value["b"], Opaque)
    assert found.strength.engine == engine


def test_a_judged_pickle_runs_nothing(tmp_path: Path, engine: str) -> None:
    """What is not on the allow-list is refused inside as it is elsewhere, and a benign twin opens."""
    array = np.arange(6.0).reshape(2, 3)
    found = opened({"a": array, "n": 1}, engine=engine, judged=True).value
    assert isinstance(found, dict)
    assert np.array_equal(found["a"], array)
    with world(tmp_path) as outside:
        data = running(ATTEMPTS, **outside.names)
        with pytest.raises(ArtifactRefusedError) as caught:
            opened(data, engine=engine, judged=True)
        assert outside.reached() == set()
    assert caught.value.code is Code.LOAD_REFUSED
    assert caught.value.where == WHERE


def test_this_process_imports_nothing_of_it(engine: str) -> None:
    """Modules that the pickle names are imported inside, and not here."""
    code = "import json, sys, wave; found = [wave.Error('x'), 'wave' in sys.modules]"
    script = _OPEN.replace("json.dumps(opened.value)", "json.dumps(['wave' in sys.modules])")
    data = running(code)
    assert opened_by(None, data, script, engine) == [False]
    value = opened(data, engine=engine).value
    assert isinstance(value, list)
    assert value[1] is True
    assert value[0].name == "wave.Error"


def test_in_a_thread(engine: str) -> None:
    """Loads work in any thread, several at a time, and leave this process's signals alone."""
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(opened([n], engine=engine).value))
        for n in range(3)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found, key=str) == [[0], [1], [2]]


ENDINGS = {
    "exit code 3": "import os; os._exit(3)",
    "signal 9": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "signal 11": "import ctypes; ctypes.string_at(1)",
}


@pytest.mark.parametrize(("how", "code"), ENDINGS.items(), ids=ENDINGS)
def test_a_process_that_ends(engine: str, how: str, code: str) -> None:
    """A process that exits, is killed or crashes is an error that says how it ended."""
    with pytest.raises(IndeterminateError, match=how) as caught:
        opened(running(code), engine=engine)
    assert caught.value.code is Code.ISOLATED_ENDED


def test_a_process_that_ends_as_if_it_were_done(engine: str) -> None:
    """A pickle that exits with success before anything is handed back has handed back nothing."""
    with pytest.raises(MalformedContentError) as caught:
        opened(running("import os; os._exit(0)"), engine=engine)
    assert caught.value.code is Code.ISOLATED_MALFORMED


def test_a_process_that_hangs(engine: str) -> None:
    """A process that does not end is ended, and that is an error."""
    data = running("import signal\nwhile True: signal.pause()")
    with pytest.raises(LimitExceededError) as caught:
        opened(
            data, engine=engine, how=Opening(judged=False, engine=engine, limits=Limits(seconds=1))
        )
    assert caught.value.code is Code.ISOLATED_TIMEOUT


def test_a_process_that_takes_memory(engine: str) -> None:
    """More memory than allowed is not given, and that is an error; less is."""
    how = Opening(judged=False, engine=engine, limits=Limits(memory_bytes=1 << 30))
    code = "found = len(bytearray(1 << {}))"
    assert opened(running(code.format(20)), engine=engine, how=how).value == 1 << 20
    with pytest.raises((LimitExceededError, IndeterminateError)) as caught:
        opened(running(code.format(31)), engine=engine, how=how)
    assert caught.value.code in {Code.LIMIT_EXCEEDED, Code.ISOLATED_ENDED}


def test_a_process_that_talks(engine: str) -> None:
    """What is printed is no answer; a process that prints without an end is ended."""
    assert opened(running("print('WBPLAIN1' * 9); found = 1"), engine=engine).value == 1
    with pytest.raises(MalformedContentError) as caught:
        opened(running("while True: print('x' * 5000)"), engine=engine)
    assert caught.value.code is Code.ISOLATED_ENDED


def test_what_a_pickle_raises(engine: str) -> None:
    """An exception of the pickle's own code is an error with its words, escaped."""
    with pytest.raises(OperationError) as caught:
        opened(running("raise ValueError('no \\x1b[31m')"), engine=engine)
    assert caught.value.code is Code.LOAD_FORMAT
    assert "ValueError" in str(caught.value)
    assert "\x1b" not in str(caught.value)


LIARS = {
    "nothing": "pass",
    "no form": "os.write(1, b'WBPLAIN1 not really')",
    "another's answer": f"os.write(1, {told([1])!r}[:-1])",
    "more than the answer": f"os.write(1, {told([1])!r} + b'x')",
    "a hole": "os.ftruncate(1, 1 << 27)",
    "seals of its own": "import fcntl; fcntl.fcntl(1, 1033, 1)",
    "a seal against reading on": f"os.write(1, {told([1])!r}); fcntl.fcntl(1, 1033, 3)",
}


@pytest.mark.parametrize(("lie", "code"), LIARS.items(), ids=LIARS)
def test_a_process_that_lies(
    engine: str, lie: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was taken over and hands back something else is an error, and no result."""
    del lie
    monkeypatch.setattr(parent, "_CODE", f"import fcntl, os\n{code}\nos._exit(0)")
    with pytest.raises(MalformedContentError) as caught:
        opened([1], engine=engine)
    assert caught.value.code is Code.ISOLATED_MALFORMED


def test_a_process_that_does_not_lie(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: what follows the form is read, whoever wrote it."""
    monkeypatch.setattr(parent, "_CODE", f"import os; os.write(1, {told([1])!r}); os._exit(0)")
    assert opened([2], engine=engine).value == [1]


def test_an_answer_without_an_end(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than may come back cannot be written, and nobody has to read it."""
    code = "import os\nos.ftruncate(1, 1 << 40)\nos._exit(0)"
    monkeypatch.setattr(parent, "_CODE", code)
    with pytest.raises(WeighbridgeError) as caught:
        opened([1], engine=engine)
    assert caught.value.code is Code.ISOLATED_ENDED


def test_the_bytes_inside_cannot_be_changed(engine: str) -> None:
    """The process gets the verified bytes to read, and nobody can write to them."""
    code = """
import os
found = []
for action in (lambda: os.write(0, b"x"), lambda: os.ftruncate(0, 0)):
    try:
        found.append(action())
    except OSError as error:
        found.append("refused")
found.append(os.pread(0, 2, 0))
"""
    data = running(code)
    assert opened(data, engine=engine).value == ["refused", "refused", data[:2]]


def test_files_beside_the_model_are_not_shown(tmp_path: Path, engine: str) -> None:
    """Where the model lies among what can be read, it is hidden, or nothing is opened."""
    beside = Path(sys.prefix) / f"weighbridge-test-{os.getpid()}"
    beside.mkdir()
    try:
        (beside / "unverified").write_text("unverified", "utf-8")
        code = f"import os; found = os.listdir({os.fspath(beside)!r})"
        how = Opening(judged=False, engine=engine, hidden=(os.fspath(beside),))
        open_how = Opening(judged=False, engine=engine)
        assert opened(running(code), engine=engine, how=open_how).value == ["unverified"]
        if engine == "direct":
            with pytest.raises(IsolationError):
                opened(running(code), engine=engine, how=how)
        else:
            assert opened(running(code), engine=engine, how=how).value == []
    finally:
        (beside / "unverified").unlink()
        beside.rmdir()


def test_nothing_is_opened_with_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an engine lacks one wall, the pickle is not opened, judged or not."""

    class Weak:
        name = "weak"
        moves = True

        def probe(self) -> Strength:
            return Strength(
                engine="weak",
                walls=REQUIRED - {Wall.NETWORK},
                missing=((Wall.NETWORK, "it leaks"),),
            )

    monkeypatch.setattr(engines, "BY_THEMSELVES", (Weak(),))
    for judged in (True, False):
        with pytest.raises(IsolationError, match="it leaks"):
            open_isolated(
                held(pickle.dumps(1)),
                FileFormat.PICKLE,
                Opening(judged=judged),
                name=WHERE,
                where=WHERE,
            )


def test_large_arrays_come_back(engine: str) -> None:
    """Arrays of many megabytes come back bit for bit."""
    array = np.random.default_rng(1).integers(0, 255, 1 << 24, dtype="u1")
    found = opened({"a": array, "b": [array[::2]]}, engine=engine).value
    assert isinstance(found, dict)
    assert np.array_equal(found["a"], array)
    assert np.array_equal(found["b"][0], array[::2])
