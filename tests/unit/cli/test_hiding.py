"""Secrets among the arguments are taken out of the list of processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from weighbridge.cli import hiding
from weighbridge.cli.hiding import without_secrets

PROGRAM = """
import os, sys
from pathlib import Path
from weighbridge.cli.hiding import hide_secrets
hide_secrets()
print(Path("/proc/self/cmdline").read_bytes().split(b"\\0"))
print(os.environ.get("WEIGHBRIDGE_PASSWORD"))
"""


def test_a_password_leaves_the_list_of_processes() -> None:
    """The process goes on without the password among its arguments, and still knows it."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("the system has no /proc")
    arguments = ["sign", "key", "model", "--password", "correct horse", "--signature", "s"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], check=True, capture_output=True, text=True
    )
    listed, known = done.stdout.splitlines()
    assert "correct horse" not in listed
    assert "'--signature', b's'" in listed.replace('b"', "b'")
    assert known == "correct horse"
    assert "warning: other users could see --password for a moment" in done.stderr
    assert "correct horse" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "kept", "secret"),
    [
        (["sign", "--password", "x", "m"], ["sign", "m"], "x"),
        (["sign", "--password=x", "m"], ["sign", "m"], "x"),
        (["sign", "m", "--password="], ["sign", "m"], ""),
        (["sign", "--password", "--password", "m"], ["sign", "m"], "--password"),
        (["sign", "--", "--password", "x"], ["sign", "--", "--password", "x"], None),
        (["sign", "--password"], ["sign", "--password"], None),
        (["sign", "--password-file", "x"], ["sign", "--password-file", "x"], None),
        (["sign", "m"], ["sign", "m"], None),
        (["record", "--password", "x", "--", "p"], ["record", "--", "p"], "x"),
    ],
)
def test_only_the_secret_is_taken_out(
    arguments: list[str], kept: list[str], secret: str | None
) -> None:
    """The other arguments stay as they are and in their order."""
    found, secrets = without_secrets(arguments)
    assert found == kept
    assert secrets == ({} if secret is None else {"--password": secret})


@pytest.mark.parametrize(
    "arguments",
    [
        ["exec", "--policy", "f", "server", "--password", "x"],
        ["exec", "--policy", "f", "server", "--client_secret=x", "--", "y"],
        ["run", "m", "--policy", "f", "server", "--identity-token", "x"],
        ["record", "--output", "o", "server", "--password", "x"],
        ["record", "--output", "o", "--", "server", "--password", "x"],
    ],
)
def test_a_program_keeps_its_own_arguments(arguments: list[str]) -> None:
    """An option of the program that is run is not taken from it, whatever it is called."""
    assert without_secrets(arguments) == (arguments, {})


@pytest.mark.parametrize("file", ["--password-file", "--password_file=f"])
def test_two_passwords_stay_what_they_are(file: str) -> None:
    """Where a file is given as well, which of the two counts must not change."""
    arguments = ["sign", "--password", "x", file, "f"]
    assert without_secrets(arguments) == (arguments, {})


def test_a_process_that_is_not_the_command_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the command itself is started anew, and only where the system can do that."""
    started: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *what: started.append(what))
    monkeypatch.setattr(sys, "argv", ["weighbridge", "sign", "--password", "x", "-q"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "pytest"])
    hiding.hide_secrets()
    assert started == []
    monkeypatch.setattr(sys, "orig_argv", ["python", "w", "sign", "--password", "x", "-q"])
    hiding.hide_secrets()
    ((program, command, environment),) = started
    assert program == sys.executable
    assert command == ["python", "w", "sign", "-q"]
    assert environment["WEIGHBRIDGE_PASSWORD"] == "x"
    monkeypatch.setattr(os, "name", "nt")
    hiding.hide_secrets()
    assert len(started) == 1


def test_silence_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --quiet there is no warning."""
    monkeypatch.setattr(os, "execve", lambda *_: None)
    for more in (["-q"], []):
        given = ["sign", "--password", "x", *more]
        monkeypatch.setattr(sys, "argv", ["weighbridge", *given])
        monkeypatch.setattr(sys, "orig_argv", ["python", "w", *given])
        hiding.hide_secrets()
        assert ("warning" in capsys.readouterr().err) == (not more)
