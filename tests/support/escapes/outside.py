"""What there is to be reached by a program that gets out: files, secrets, listeners, a process."""

import contextlib
import ctypes
import json
import os
import pty
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "attempts" / "__main__.py"
"""The program that tries."""
CODE = Path(__file__).parents[2]
"""What has to be readable to it: where it imports from."""

VARIABLE = "OUTSIDE_SECRET"
SECRET = "nobody-inside-may-know-this"

_VICTIM = f"""
import ctypes, signal, sys, time
text = ctypes.create_string_buffer({SECRET.encode()!r})
signal.signal(signal.SIGUSR1, lambda *_: (sys.stdout.write("signalled\\n"), sys.stdout.flush()))
print(ctypes.addressof(text), flush=True)
while True:
    time.sleep(60)
"""


@dataclass(slots=True)
class Outside:
    """
    The world around the walls.

    Attributes:
        configuration: What `attempts/` has to know in order to reach it.
        arrived: Names of what something arrived at.
    """

    configuration: dict[str, Any]
    arrived: set[str] = field(default_factory=set)
    victim: subprocess.Popen[str] | None = None

    def reached(self) -> set[str]:
        """Return what was reached, as seen from out here."""
        seen = set(self.arrived)
        outside, model = Path(self.configuration["outside"]), Path(self.configuration["model"])
        if any((outside / name).exists() for name in ("written", "made.sock")):
            seen.add("outside")
        if Path(self.configuration["weights"]).read_bytes() != b"weights":
            seen.add("weights")
        if (model / "added.bin").exists():
            seen.add("model")
        if Path(self.configuration["home"], ".bashrc").read_text("utf-8") != "# home\n":
            seen.add("home")
        assert self.victim is not None
        assert self.victim.stdout is not None
        if select.select([self.victim.stdout], [], [], 0)[0]:
            seen.add("victim")
        return seen


@contextlib.contextmanager
def outside(place: Path) -> Iterator[Outside]:
    """Make a world below *place*, and end it."""
    with contextlib.ExitStack() as stack:
        configuration = _files(place, stack)
        world = Outside(configuration)
        _listeners(world, place, stack)
        _victim(world, stack)
        yield world


def _files(place: Path, stack: contextlib.ExitStack) -> dict[str, Any]:
    for name in ("outside", "model", "home"):
        (place / name).mkdir(parents=True)
    weights = place / "model" / "weights.bin"
    weights.write_bytes(b"weights")
    unsigned = place / "model" / "unsigned.bin"
    unsigned.write_bytes(b"unsigned")
    secret = place / "outside" / "secret"
    secret.write_text(SECRET, "utf-8")
    (place / "home" / ".bashrc").write_text("# home\n", "utf-8")
    descriptor = os.open(secret, os.O_RDONLY)
    directory = os.open(secret.parent, os.O_RDONLY)
    controller, terminal = pty.openpty()
    for each in (descriptor, directory, controller, terminal):
        os.set_inheritable(each, True)
        stack.callback(os.close, each)
    disk = Path("/").stat().st_dev
    with contextlib.suppress(OSError):  # a file system without annotations
        os.setxattr(secret, "user.origin", b"https://example.com/")
    return {
        "outside": str(place / "outside"),
        "model": str(place / "model"),
        "weights": str(weights),
        "unsigned": str(unsigned),
        "home": str(place / "home"),
        "secret": str(secret),
        "secret_text": SECRET,
        "variable": VARIABLE,
        "descriptor": descriptor,
        "directory_descriptor": directory,
        "terminal": terminal,
        "terminal_name": os.ttyname(terminal),
        "shared_file": _shared_file(stack),
        "disk": [os.major(disk), os.minor(disk)],
        "disk_mib": 64,
        "memory_mib": 512,
        "processes": 200,
        **_shared(stack),
    }


def _shared_file(stack: contextlib.ExitStack) -> str:
    """Make a file where programs share memory, as `shm_open` does."""
    made = tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="outside-")  # noqa: SIM115  below
    file = stack.enter_context(made)
    file.write(SECRET.encode())
    file.flush()
    Path(file.name).chmod(0o644)
    return file.name


def _shared(stack: contextlib.ExitStack) -> dict[str, Any]:
    """Make memory and a queue that processes of this user share."""
    library = ctypes.CDLL(None, use_errno=True)
    library.shmat.restype = ctypes.c_void_p
    memory = library.shmget(0, 4096, 0o600)
    stack.callback(library.shmctl, memory, 0, None)
    address = library.shmat(memory, None, 0)
    ctypes.memmove(address, SECRET.encode() + b"\0", len(SECRET) + 1)
    stack.callback(library.shmdt, ctypes.c_void_p(address))
    name = f"outside-{os.urandom(8).hex()}"
    queue = library.mq_open(f"/{name}".encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
    stack.callback(library.mq_unlink, f"/{name}".encode())
    if queue >= 0:
        stack.callback(os.close, queue)
    return {"shared_memory": memory, "queue": name}


def _listeners(world: Outside, place: Path, stack: contextlib.ExitStack) -> None:
    made: list[tuple[str, socket.socket]] = []

    def add(name: str, family: int, kind: int, address: Any, protocol: int = 0) -> None:
        try:
            server = stack.enter_context(socket.socket(family, kind, protocol))
            server.bind(address)
        except OSError:
            # A machine without it: nobody can reach it either.
            world.configuration[name] = 9
            return
        if kind == socket.SOCK_STREAM:
            server.listen()
        if family in {socket.AF_INET, socket.AF_INET6}:
            world.configuration[name] = server.getsockname()[1]
        made.append((name, server))

    add("tcp4", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    made[-1][1].setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
    shared = stack.enter_context(socket.socket())
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind(("127.0.0.1", 0))
    shared.listen()
    world.configuration["shared_port"] = shared.getsockname()[1]
    add("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))
    add("mptcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), 262)
    add("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    world.configuration["abstract"] = f"outside-{os.urandom(8).hex()}"
    add("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{world.configuration['abstract']}")
    world.configuration["socket"] = str(place / "outside" / "daemon.sock")
    add("socket", socket.AF_UNIX, socket.SOCK_STREAM, world.configuration["socket"])
    world.configuration["datagram"] = str(place / "outside" / "log.sock")
    add("datagram", socket.AF_UNIX, socket.SOCK_DGRAM, world.configuration["datagram"])
    stop, stopper = os.pipe()
    thread = threading.Thread(target=_watch, args=(world, made, stop))
    thread.start()

    def end() -> None:
        os.close(stopper)
        thread.join()
        os.close(stop)

    stack.callback(end)


def _watch(world: Outside, listeners: list[tuple[str, socket.socket]], stop: int) -> None:
    """Note at which listeners something arrives, until *stop* is closed."""
    names = dict((server.fileno(), (name, server)) for name, server in listeners)  # noqa: C402
    while True:
        ready, _, _ = select.select([stop, *names], [], [])
        if stop in ready:
            return
        for each in ready:
            name, server = names[each]
            world.arrived.add(name)
            if server.type == socket.SOCK_STREAM:
                server.accept()[0].close()
            else:
                server.recv(4096)


def _victim(world: Outside, stack: contextlib.ExitStack) -> None:
    victim = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", _VICTIM, SECRET],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, VARIABLE: SECRET},
        )
    )
    stack.callback(victim.kill)
    assert victim.stdout is not None
    world.victim = victim
    world.configuration |= {
        "victim": victim.pid,
        "victim_address": int(victim.stdout.readline()),
        "victim_text": SECRET,
    }


def parse(output: str) -> dict[str, str]:
    """Return what `attempts/` says of each action."""
    results: dict[str, str] = json.loads(output)
    return results
