"""Workers for tests of confinement: they do what they should not be able to do, and say how it went."""

import gc
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from weighbridge.sandbox.frames import HangUpError, receive_frame, send_frame
from weighbridge.scan.worker import wire

ANSWER = b"A"


def serve_attempts(talk: socket.socket, /) -> None:
    """Attempt what is ordered by name, and answer with the result or the exception's name."""
    while True:
        try:
            _kind, name = receive_frame(talk, most=4096)
        except HangUpError:
            return
        try:
            found: object = ATTEMPTS[name.decode()]()
        except BaseException as error:  # noqa: BLE001  whatever it is, it is the answer
            found = type(error).__name__
        try:
            send_frame(talk, ANSWER, str(found).encode())
        except HangUpError:
            return


def _serve_orders(talk: socket.socket, answer: Callable[[wire.Order], bytes]) -> None:
    """Answer each order to examine a file with what *answer* returns."""
    while True:
        try:
            kind, payload = receive_frame(talk, most=1 << 30)
            if kind == wire.EXAMINE:
                order, _data = wire.decode_order(payload)
                send_frame(talk, wire.REPORT, answer(order))
        except HangUpError:
            return


def serve_fragile(talk: socket.socket, /) -> None:
    """Die of every file, except when told to be careful."""
    _serve_orders(talk, lambda order: _finding("careful") if order.careful else os._exit(9))


def serve_dead(talk: socket.socket, /) -> None:
    """Die of every file that is not called `good`."""
    _serve_orders(talk, lambda order: wire.NOTHING if order.name == "good" else os._exit(9))


def serve_silence(talk: socket.socket, /) -> None:
    """Take orders and never answer."""
    while receive_frame(talk, most=1 << 30):
        pass


def serve_late(talk: socket.socket, /) -> None:
    """Say of every file that there was no time for it."""
    gap: list[object] = ["scan-timeout", None, "too late"]
    _serve_orders(talk, lambda _: json.dumps([[], [gap], 0]).encode())


def serve_nonsense(talk: socket.socket, /) -> None:
    """Answer with JSON that is no report."""
    _serve_orders(talk, lambda _: b'[[["no-such-rule"]],[],0]')


def serve_greed(talk: socket.socket, /) -> None:
    """Ask for bytes that are not the file's."""
    while receive_frame(talk, most=1 << 30):
        send_frame(talk, wire.READ, wire.encode_read(1 << 40, 10))


def serve_flood(talk: socket.socket, /) -> None:
    """Promise more than anybody takes."""
    while receive_frame(talk, most=1 << 30):
        talk.sendall(wire.REPORT + b"\xff\xff\xff\xff")


def _finding(message: str) -> bytes:
    finding: list[object] = ["suffix-lies", "low", "high", None, None, None, message, []]
    return json.dumps([[finding], [], 0]).encode()


def _read(path: str) -> str:
    with Path(path).open("rb") as file:
        return f"read {len(file.read(1))}"


def _write() -> str:
    with Path("/tmp/weighbridge-was-here").open("wb") as file:
        file.write(b"x")
    return "written"


def _import_late() -> str:
    import wave  # noqa: PLC0415  a module that nothing else imports

    return wave.__name__


def _kill_parent() -> str:
    os.kill(os.getppid(), 0)
    return "killed"


def _dial(family: int, kind: int, protocol: int = 0) -> str:
    socket.socket(family, kind, protocol).close()
    return "socket"


def _allocate() -> str:
    return f"allocated {len(bytearray(2 << 30))}"


def _spin() -> str:
    while True:
        pass


def _make_executable() -> str:
    import mmap  # noqa: PLC0415  its library is loaded late

    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    return "executable"


def _execute() -> str:
    os.execv(sys.executable, [sys.executable, "-c", ""])


def _crash() -> str:
    # It may send itself no signal, so it crashes as the interpreter would.
    import ctypes  # noqa: PLC0415  loaded by the confinement

    ctypes.string_at(0)
    return "alive"


def _speak_nonsense() -> str:
    os.write(_socket_number(), b"\xff" * 4096)
    return "said"


def _socket_number() -> int:
    return next(n for n in range(3, 64) if _is_socket(n))


def _is_socket(number: int) -> bool:
    try:
        return os.fstat(number).st_mode & 0o170000 == 0o140000
    except OSError:
        return False


ATTEMPTS: dict[str, Callable[[], object]] = {
    "allocate": _allocate,
    "collects-garbage": gc.isenabled,
    "crash": _crash,
    "environment": lambda: ",".join(sorted(os.environ)),
    "execute": _execute,
    "exit": lambda: os._exit(3),
    "fork": os.fork,
    "import": _import_late,
    "kill-parent": _kill_parent,
    "make-executable": _make_executable,
    "memory-file": lambda: os.memfd_create("x"),
    "nonsense": _speak_nonsense,
    "open-files": lambda: ",".join(str(n) for n in range(64) if _is_open(n)),
    "read-etc": lambda: _read("/etc/hosts"),
    "read-python": lambda: _read(os.__file__),
    "socket-tcp": lambda: _dial(socket.AF_INET, socket.SOCK_STREAM),
    "socket-mptcp": lambda: _dial(socket.AF_INET, socket.SOCK_STREAM, 262),
    "socket-udp": lambda: _dial(socket.AF_INET, socket.SOCK_DGRAM),
    "socket-unix": lambda: _dial(socket.AF_UNIX, socket.SOCK_STREAM),
    "spin": _spin,
    "writes-bytecode": lambda: not sys.dont_write_bytecode,
    "write": _write,
}


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
