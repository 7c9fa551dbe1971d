"""`weighbridge run`: what is around a program that it was not given, and what was given to it alone."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from isolation.conftest import working
from support.walled import line, started_as, write_policy
from weighbridge.sandbox.walls.starting import PACKAGE

OPEN_TERMINAL = """
import os
try:
    os.write(os.open("/dev/tty", os.O_RDWR), b"written")
except OSError:
    print("there is none", flush=True)
"""

AT_TERMINAL = """
import os, sys
os.close(os.open(sys.argv[1], os.O_RDWR))  # the first that a session's leader opens is its own
os.close(os.open("/dev/tty", os.O_RDWR))
os.execv(sys.argv[2], sys.argv[2:])
"""

MEET = """
import os, socket, sys
def tried(how, name):
    place = os.path.join(os.environ["TMPDIR"], name)
    try:
        how(os.path.join(sys.argv[1], name), place)
        socket.socket(socket.AF_UNIX).connect(place)
    except OSError:
        return
    print("reached", name)
tried(os.link, "linked")
tried(os.rename, "renamed")
own = os.path.join(os.environ["TMPDIR"], "own")
server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
server.bind(own)
server.listen()
client.connect(own)
print("met")
"""


def test_a_terminal_is_there_only_as_a_stream(place: Path, serving_engine: str) -> None:
    """Where all streams lead elsewhere a program does not write to its caller's terminal."""
    controller, terminal = os.openpty()
    inside = line(serving_engine, sys.executable, "-c", OPEN_TERMINAL)
    command = [sys.executable, "-m", "weighbridge", *inside]
    try:
        done = subprocess.run(
            [sys.executable, "-c", AT_TERMINAL, os.ttyname(terminal), *command],
            cwd=place,
            env={**os.environ, "PYTHONPATH": os.fspath(PACKAGE.parent)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
            check=False,
        )
    finally:
        os.close(controller)
        os.close(terminal)
    assert (done.stdout, done.returncode) == ("there is none\n", 0), done.stderr


def test_sockets_of_others_get_no_other_name(place: Path, serving_engine: str) -> None:
    """What may be written holds a daemon's socket: neither linked nor renamed is it reached."""
    write_policy(place, 'write = ["run"]')
    (place / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as daemon, socket.socket(socket.AF_UNIX) as other:
        daemon.bind(os.fspath(place / "run" / "linked"))
        other.bind(os.fspath(place / "run" / "renamed"))
        daemon.listen()
        other.listen()
        arguments = (sys.executable, "-c", MEET, os.fspath(place / "run"))
        with started_as(place, serving_engine, *arguments) as running:
            said, _ = running.communicate()
    assert (said, running.returncode) == ("met\n", 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_streams_stay_whose_they_are(place: Path) -> None:
    """The engine gVisor does not make its caller's file, which is standard input, nobody's."""
    given = place / "given"
    given.write_text("words", "utf-8")
    with given.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "weighbridge", *line(working("gvisor"), "/bin/cat")],
            cwd=place,
            env={**os.environ, "PYTHONPATH": os.fspath(PACKAGE.parent)},
            stdin=file,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.returncode) == ("words", 0), done.stderr
    assert given.stat().st_uid == os.geteuid()
