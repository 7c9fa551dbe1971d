"""Progress is shown on a terminal, once work takes longer than a second; logs are one line."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from weighbridge.cli import sigstore
from weighbridge.cli.commands import trust
from weighbridge.cli.main import run
from weighbridge.cli.terminal import Progress, Session


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Clock:
    """A clock that is set."""

    now = 0.0

    def monotonic(self) -> float:
        """Return what it was set to."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the clock that progress goes by."""
    made = Clock()
    monkeypatch.setattr("weighbridge.cli.terminal.time", made)
    return made


def test_quick_work_shows_nothing(clock: Clock) -> None:
    """Work that is done within a second leaves the terminal as it was."""
    stream = Terminal()
    with Progress(stream, shown=True) as progress:
        progress.begin(100)
        progress.advance(100)
    assert stream.getvalue() == ""


def test_slow_work_is_shown(clock: Clock) -> None:
    """After a second the bar appears, with what was done before."""
    stream = Terminal()
    with Progress(stream, shown=True) as progress:
        progress.begin(100)
        progress.advance(10)
        clock.now = 2.0
        progress.advance(40)
        progress.advance(50)
    assert "reading" in stream.getvalue()
    assert "100%" in stream.getvalue()


def test_a_second_part_takes_the_place_of_the_first(clock: Clock) -> None:
    """What follows has its own bar, and its own second of patience."""
    stream = Terminal()
    with Progress(stream, shown=True) as progress:
        following = progress.then("scanning")
        progress.begin(100)
        clock.now = 2.0
        progress.advance(100)
        following.begin(50)
        following.advance(10)
        assert "scanning" not in stream.getvalue()
        clock.now = 4.0
        following.advance(40)
    assert "scanning" in stream.getvalue()


@pytest.mark.parametrize("quiet", [True, False])
@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_progress_is_for_terminals(clock: Clock, kind: type[io.StringIO], *, quiet: bool) -> None:
    """Nothing is shown in a pipe, or to who wants no talk."""
    stream = kind()
    session = Session(quiet=quiet, out=io.StringIO(), err=stream)
    with session.progress() as progress:
        progress.begin(10)
        clock.now = 5.0
        progress.advance(10)
    assert bool(stream.getvalue()) is (kind is Terminal and not quiet)


@pytest.mark.parametrize("how", ["unhandled", "handler"])
def test_a_log_cannot_write_on_the_terminal(how: str) -> None:
    """What a server had logged is one line without escape sequences."""
    code = {
        "unhandled": "terminal.escape_logs()",
        "handler": "logging.basicConfig(handlers=[terminal.log_handler()])",
    }[how]
    said = "logging.getLogger('client').warning('answer: %s', '\\x1b[2Jhello\\nVERIFIED')"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import logging; from weighbridge.cli import terminal; {code}; {said}",
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stderr == "answer: \\x1b[2Jhello\\nVERIFIED\n"
    assert done.stdout == ""


def test_a_command_that_talks_to_servers_escapes_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every keyless command sees to that before it does anything."""
    called: list[str] = []
    for module in (sigstore, trust):
        monkeypatch.setattr(module, "escape_logs", lambda: called.append("yes"))
    missing = str(tmp_path / "none.json")
    keyless = ("--identity", "a@b.example", "--identity-provider", "https://c.example")
    for arguments in (
        ("verify", "sigstore", "m", "--trust-config", missing, *keyless),
        ("sign", "sigstore", str(tmp_path), "--identity-token", "t", "--trust-config", missing),
        ("trust", "show", "--trust-config", missing),
        ("trust", "update", "--tuf-url", "https://tuf.example"),
    ):
        called.clear()
        assert run(arguments) == 2
        assert called, arguments
