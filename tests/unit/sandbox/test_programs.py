"""Programs are found as a shell finds them, and what is wrong with a name is told apart."""

import os
from pathlib import Path

import pytest

from weighbridge.core.errors import UsageError
from weighbridge.sandbox.programs import find_program


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a program that lies where variables say."""
    made = tmp_path / "bin" / "tool"
    made.parent.mkdir()
    made.touch(mode=0o755)
    return made


def test_a_program_is_found_by_path_and_by_name(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is looked for where the variables say, a path from the current directory on."""
    monkeypatch.chdir(program.parent.parent)
    assert find_program("tool", {"PATH": str(program.parent)}) == str(program)
    assert find_program("bin/tool", {}) == str(program)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("there-is-no-such-program", "no such program"),
        ("", "'': there is no such program"),
        ("bin/nothing", "bin/nothing: there is no such program"),
        ("./bin", "found a directory"),
        ("bin/tool", "found a file that you may not"),
    ],
)
def test_what_cannot_be_run_is_said(
    program: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    """A name that leads nowhere, a directory and a file that is no program are told apart."""
    program.chmod(0o644)
    monkeypatch.chdir(program.parent.parent)
    with pytest.raises(UsageError, match=said):
        find_program(name, {"PATH": os.defpath})
