"""Pickles that run code when they are read, and what they try: everything inert but a marker."""

import contextlib
import json
import os
import pickle
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class Running:
    """Pickled, it is a call that runs *code* and stands for what that calls `found`."""

    def __init__(self, code: str, **given: object) -> None:
        self.code = code
        self.given = given

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Return the call."""
        names = json.dumps(self.given)
        text = f"(lambda names: (exec({self.code!r}, names), names['found'])[1])({names})"
        return eval, (text,)


def running(code: str, **given: object) -> bytes:
    """Return a pickle that runs *code*, with these names."""
    return pickle.dumps(Running(code, **given))


ATTEMPTS = """
import ctypes, os, socket, subprocess, sys

def attempt(name, action):
    try:
        found[name] = repr(action())[:100]
    except BaseException as error:
        found[name] = f"refused: {type(error).__name__}"

def opened(path, mode):
    with open(path, mode) as file:
        return file.write("was here") if "w" in mode else file.read()

def connected(port):
    with socket.create_connection(("127.0.0.1", port)) as talk:
        return talk.sendall(b"was here")

def datagram(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
        return talk.sendto(b"was here", ("127.0.0.1", port))

def child():
    if os.fork() == 0:
        os._exit(0)

def ended(code):
    if code:
        raise OSError(code)
    return code

found = {}
attempt("system", lambda: ended(os.system(f"echo was here > {marker}-system")))
attempt("program", lambda: subprocess.check_output(["/bin/echo"]))
attempt("execute", lambda: os.execv(sys.executable, [sys.executable, "-c", "pass"]))
attempt("write", lambda: opened(f"{marker}-write", "w"))
attempt("write-temporary", lambda: opened(temporary, "w"))
attempt("write-here", lambda: opened("was-here", "w"))
attempt("change-model", lambda: opened(model, "r+"))
attempt("read-secret", lambda: opened(secret, "r"))
attempt("read-model", lambda: opened(model, "r"))
attempt("connect", lambda: connected(port))
attempt("datagram", lambda: datagram(port))
attempt("fork", child)
attempt("memory-file", lambda: os.memfd_create("x"))
attempt("parent", lambda: os.kill(parent, 0))
attempt("environment", lambda: os.environ["RUNNING_SECRET"])
"""
"""Tries what a program could do to others; `found` says what came of it."""

NAMES = (
    *("system", "program", "execute", "write", "write-temporary", "write-here", "change-model"),
    *("read-secret", "read-model", "connect", "datagram", "fork", "memory-file", "parent"),
    "environment",
)


@contextmanager
def world(place: Path) -> Iterator["World"]:
    """Give what can be reached from *place* by a pickle that gets out."""
    with socket.socket() as listener, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        datagrams.bind(listener.getsockname())
        for each in (listener, datagrams):
            each.setblocking(False)
        yield World(place, listener, datagrams)


class World:
    """What is outside."""

    def __init__(self, place: Path, listener: socket.socket, datagrams: socket.socket) -> None:
        place.chmod(0o777)
        self._marker = place / "marker"
        self._secret = place / "secret"
        self._secret.write_text("a secret", "utf-8")
        self._model = place / "model.bin"
        self._model.write_text("a model", "utf-8")
        self._model.chmod(0o666)
        self._sockets = (listener, datagrams)
        self.temporary = Path(f"/tmp/was-here-{os.getpid()}-{listener.getsockname()[1]}")

    @property
    def names(self) -> Mapping[str, object]:
        """What the code is given."""
        return {
            "marker": os.fspath(self._marker),
            "secret": os.fspath(self._secret),
            "model": os.fspath(self._model),
            "port": self._sockets[0].getsockname()[1],
            "parent": os.getpid(),
            "temporary": os.fspath(self.temporary),
        }

    def reached(self) -> set[str]:
        """Return what was reached, as seen from out here."""
        found = {path.name for path in self._marker.parent.glob("marker-*")}
        if self.temporary.exists():
            self.temporary.unlink()
            found.add("temporary")
        if self._model.read_text("utf-8") != "a model":
            found.add("model")
        listener, datagrams = self._sockets
        with contextlib.suppress(BlockingIOError):
            listener.accept()[0].close()
            found.add("connect")
        with contextlib.suppress(BlockingIOError):
            datagrams.recv(9)
            found.add("datagram")
        return found
