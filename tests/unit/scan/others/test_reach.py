"""Which places another scanner may read."""

import os
from pathlib import Path

import pytest

from support.other_scanners import write_program
from weighbridge.scan.others.reach import readable_for


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the real path of a home directory."""
    place = Path(os.path.realpath(tmp_path)) / "home"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    return place


def test_an_environment(home: Path) -> None:
    """Of a program in a virtual environment: that, its interpreter, and what it was made with."""
    made_with, environment = home / "python", home / "environment"
    for place in (made_with / "bin", environment / "bin"):
        place.mkdir(parents=True)
    (made_with / "bin" / "python3").touch()
    (environment / "bin" / "python3").symlink_to(made_with / "bin" / "python3")
    (environment / "pyvenv.cfg").write_text(f"home = {made_with}/bin\nversion = 3\n", "utf-8")
    program = environment / "bin" / "scanner"
    write_program(program, "", shell=f"{environment}/bin/python3")
    found = readable_for([str(program)], root=home / "model")
    assert {str(environment), str(made_with), str(program)} <= set(found)
    assert str(home) not in found


def test_a_home_is_no_installation(home: Path) -> None:
    """A program below a home's own `bin` does not open the home."""
    (home / "bin").mkdir()
    found = readable_for([str(write_program(home / "bin" / "scanner", ""))], root=home / "model")
    assert str(home / "bin" / "scanner") in found
    assert str(home) not in found


def test_the_artifact_itself_may_be_a_home(home: Path) -> None:
    """What is to be scanned is read, wherever it is."""
    assert str(home) in readable_for(["/usr/bin/true"], root=home)


@pytest.mark.parametrize("argument", ["{0}/rules", "--rules={0}/rules"])
def test_arguments(home: Path, argument: str) -> None:
    """What the command line names in full is read; other words are no places."""
    found = readable_for(["/bin/x", argument.format(home), "relative", "--x="], root=home / "m")
    assert str(home / "rules") in found
    assert "relative" not in found
    assert "" not in found


def test_what_cannot_be_read(home: Path) -> None:
    """A program that is not there, and settings that are no text, say nothing more."""
    environment = home / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_bytes(b"\xff\xff")
    assert str(environment) in readable_for([f"{environment}/bin/none"], root=home / "m")
