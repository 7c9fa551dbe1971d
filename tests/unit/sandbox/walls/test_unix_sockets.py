"""Unix sockets of a program's own: where they work, and that they lead nowhere else."""

import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.containers import within
from support.filters import ALLOW, ARCHITECTURES, ASK, decide
from support.users import SEARCHED
from weighbridge.sandbox import kernel
from weighbridge.sandbox.walls import unix_sockets
from weighbridge.sandbox.walls.broker import _socket_kind

pytestmark = pytest.mark.skipif(kernel.machine() is None, reason="system calls are not known")

_PROGRAM = """
import json, os, socket, sys, threading
from weighbridge.sandbox import kernel
from weighbridge.sandbox.walls.unix_sockets import Meeting

own, internet, code = sys.argv[1:]
allowed = json.loads(internet)
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
meeting = Meeting(own, lambda name, address: (address,) if name in allowed else ())
meeting.restrict()
child = os.fork()
if child:
    meeting.keep()
    meeting.serve()
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
assert meeting.ask()

def outcome(function, *arguments):
    try:
        return function(*arguments) or "done"
    except OSError as error:
        return error.errno

def unix(kind=socket.SOCK_STREAM):
    return socket.socket(socket.AF_UNIX, kind)

exec(code)
"""


AROUND = {"docker": within("docker")}
"""Where sockets cannot be taken out of a process, so they are made for it."""
TESTS = Path(__file__).parents[3]


@pytest.fixture(params=["machine", "docker"])
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Return a directory whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        (Path(made) / "own").mkdir()
        (Path(made) / "around").write_text(request.param, "ascii")
        yield Path(made)


def told(place: Path, code: str, *, internet: tuple[str, ...] = ()) -> object:
    """Return what a program says that asks; it may use `own` below *place*."""
    around = AROUND.get((place / "around").read_text("ascii"), ())
    done = subprocess.run(
        [
            *around,
            *(sys.executable, "-c", _PROGRAM, str(place / "own"), json.dumps(internet), code),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*SEARCHED, str(TESTS)])},
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_SEQPACKET"])
def test_processes_of_a_program_meet(place: Path, kind: str) -> None:
    """One binds and reads back the name that it gave, another one connects, and they talk."""
    code = f"""
server = unix(socket.{kind})
server.bind(own + "/s")
server.listen()
if os.fork() == 0:
    client = unix(socket.{kind})
    client.connect(own + "/s")
    client.send(b"hello")
    os._exit(0)
connection, _ = server.accept()
print(json.dumps([server.getsockname() == own + "/s", connection.recv(10).decode()]))
"""
    assert told(place, code) == [True, "hello"]


def test_a_connection_that_waits_holds_nobody_up(place: Path) -> None:
    """While connections wait for a server that takes none, others are made."""
    code = """
busy = unix()
busy.bind(own + "/busy")
busy.listen(0)
waiting = [unix() for _ in range(3)]
for each in waiting:
    threading.Thread(target=outcome, args=(each.connect, own + "/busy"), daemon=True).start()
server = unix()
server.bind(own + "/s")
server.listen()
print(json.dumps(outcome(unix().connect, own + "/s")), flush=True)
os._exit(0)
"""
    assert told(place, code) == "done"


def test_nobody_else_is_met(place: Path) -> None:
    """Sockets outside, whatever leads to them, are not connected to, and none is made outside."""
    with closing(socket.socket(socket.AF_UNIX)) as daemon:
        daemon.bind(f"{place}/daemon")
        daemon.listen()
        (place / "own" / "link").symlink_to(place / "daemon")
        (place / "own" / "up").symlink_to(place)
        code = """
names = ["/../daemon", "/link", "/up/daemon", "/./x", "//x", "/"]
results = {name: outcome(unix().connect, own + name) for name in names}
results["daemon"] = outcome(unix().connect, os.path.dirname(own) + "/daemon")
results["relative"] = outcome(unix().connect, "daemon")
results["own relative"] = outcome(unix().bind, "own/x")
results["bound above"] = outcome(unix().bind, own + "/../made")
results["bound by link"] = outcome(unix().bind, own + "/up/made")
results["bound abstract"] = outcome(unix().bind, chr(0) + "name")
results["bound to any"] = outcome(unix().bind, "")
results["abstract"] = outcome(unix().connect, chr(0) + "name")
results["datagrams"] = outcome(unix(socket.SOCK_DGRAM).bind, own + "/d")
results["internet"] = outcome(socket.socket().bind, ("127.0.0.1", 0))
results["no socket"] = outcome(os.open, own, os.O_RDONLY) and outcome(
    lambda: socket.socket(fileno=os.dup(0)).connect(own + "/s"))
print(json.dumps(results))
"""
        results = told(place, code)
        assert isinstance(results, dict)
        assert "done" not in results.values(), results
        daemon.setblocking(False)
        with pytest.raises(BlockingIOError):
            daemon.accept()
    assert not (place / "made").exists()


def test_the_address_that_was_judged_is_used(place: Path) -> None:
    """Whoever changes an address, or what it leads to, while it is judged reaches nobody else."""
    with closing(socket.socket(socket.AF_UNIX)) as daemon:
        daemon.bind(f"{place}/daemon")
        daemon.listen()
        code = """
import ctypes
library = ctypes.CDLL(None)
good, bad = own.encode() + b"/a/s", os.path.dirname(own).encode() + b"/daemon"
width = max(len(good), len(bad)) + 1
address = ctypes.create_string_buffer(b"\\x01\\x00" + good.ljust(width, b"\\0"))
os.mkdir(own + "/a")
os.symlink(os.path.dirname(own), own + "/b")
server = unix()
server.bind(own + "/a/s")
server.listen(4096)
os.symlink(os.path.dirname(own) + "/daemon", own + "/b-s")
ended = False
def change():
    while not ended:
        ctypes.memmove(ctypes.addressof(address) + 2, bad.ljust(width, b"\\0"), width)
        ctypes.memmove(ctypes.addressof(address) + 2, good.ljust(width, b"\\0"), width)
        os.rename(own + "/a", own + "/c"); os.rename(own + "/b", own + "/a")
        os.rename(own + "/a", own + "/b"); os.rename(own + "/c", own + "/a")
thread = threading.Thread(target=change)
thread.start()
made = 0
for _ in range(300):
    with unix() as client:
        made += library.connect(client.fileno(), address, width + 2) == 0
ended = True
thread.join()
print(json.dumps(made))
"""
        told(place, code)
        daemon.setblocking(False)
        with pytest.raises(BlockingIOError):
            daemon.accept()


def test_the_internet_is_as_it_is_said(place: Path) -> None:
    """A call on an internet socket is made where that is allowed, and only that call."""
    code = """
server = socket.socket()
results = [outcome(server.bind, ("127.0.0.1", 0)), server.listen()]
results.append(outcome(socket.socket().connect, server.getsockname()))
print(json.dumps(results))
"""
    assert told(place, code, internet=("bind",)) == ["done", None, errno.EACCES]
    assert told(place, code, internet=("bind", "connect")) == ["done", None, "done"]


def test_who_asks_for_interfaces_is_told_of_nothing_else(place: Path) -> None:
    """A netlink socket is bound as the C library does, and not so that it is told of changes."""
    code = """
def bound(address):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
        return outcome(asking.bind, address)
print(json.dumps([bound((0, 0)), bound((0, 1)), bool(socket.if_nameindex())]))
"""
    assert told(place, code) == ["done", errno.EACCES, True]


def test_where_somebody_else_is_asked_nothing_works(place: Path) -> None:
    """Beside another filter that asks, the program is told that it gets no such sockets."""
    before = "meeting.restrict()\n"
    other = f"{before}from weighbridge.sandbox.walls.unix_sockets import asking, listen\n"
    other += "kept = listen(asking(kernel.machine()))\n"
    program = _PROGRAM.replace(before, other)
    program = program.replace("assert meeting.ask()", "code = f'print({meeting.ask()})'")
    done = subprocess.run(
        [sys.executable, "-c", program, str(place / "own"), "[]", ""],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(SEARCHED)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_socket_that_is_not_used_is_let_go(place: Path) -> None:
    """Sockets that are closed before they are connected can be made without an end."""
    code = """
for _ in range(600):
    unix().close()
server = unix()
server.bind(own + "/s")
server.listen()
client = unix()
client.connect(own + "/s")
connection, _ = server.accept()
client.close()
print(json.dumps([connection.recv(1).decode(), os.get_inheritable(server.fileno())]))
"""
    assert told(place, code) == ["", False]


def test_what_is_no_socket_leaves_nothing_open() -> None:
    """Whoever asks for calls on other files takes no descriptors from the broker, or from sockets."""
    here, there = socket.socketpair()
    with here, there, tempfile.TemporaryFile() as file:
        before = set(Path("/proc/self/fd").iterdir())
        with pytest.raises(OSError, match="non-socket"):
            _socket_kind(file.fileno())
        assert _socket_kind(here.fileno()) == (socket.AF_UNIX, socket.SOCK_STREAM)
        assert set(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_filter_asks_about_two_calls(architecture: str) -> None:
    """It asks about bind and connect, and says nothing of others, and of other architectures."""
    code = unix_sockets.asking(architecture)
    for pair in ((42, 203), (49, 200)):
        assert decide(code, architecture, pair) == ASK
        assert decide(code, architecture, pair, audit=1) == ALLOW
    assert decide(code, architecture, (0, 63)) == ALLOW
