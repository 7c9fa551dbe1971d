"""Workers for tests of conversions: they do what a worker that was taken over might do."""

import ctypes
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from weighbridge.convert.plan import Plan
from weighbridge.convert.planning import Order, make_plan
from weighbridge.convert.worker import wire
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.sandbox.frames import HangUpError, receive_frame, send_frame

Write = Callable[[socket.socket, Plan, int], None]
Look = Callable[[Order, int], tuple[bytes, bytes]]

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_VICTIMS: list[str | None] = []
"""What `reaches_out` is to reach: the key that it is told, which means nothing else here."""


def _serve(talk: socket.socket, write: Write, *, look: Look | None = None) -> None:
    """Plan honestly, or as *look* does, and write as *write* does."""
    plans: list[Plan] = []
    while True:
        try:
            kind, payload = receive_frame(talk, most=1 << 30)
            _byte, (descriptor,), _flags, _address = socket.recv_fds(talk, 1, 1)
            if kind == wire.WRITE:
                write(talk, plans[wire.decode_count(payload)], descriptor)
            elif look is not None:
                send_frame(talk, *look(wire.decode_order(payload), descriptor))
            else:
                order = wire.decode_order(payload)
                _VICTIMS.append(order.key)
                plans.append(make_plan(replace(order, key=None), descriptor))
                send_frame(talk, wire.PLANNED, wire.encode_planned(plans[-1].file))
        except HangUpError:
            return


def _never(*_: object) -> Any:
    """Do nothing until it is ended."""
    while True:
        socket.socketpair()[0].recv(1)


def _written(talk: socket.socket) -> None:
    send_frame(talk, wire.WRITTEN, b"")


def _write(talk: socket.socket, plan: Plan, descriptor: int, *, half: bool = False) -> None:
    os.write(descriptor, plan.file.header)
    rest = plan.file.tensor_bytes
    os.write(descriptor, bytes(rest // 2 if half else rest))


# -- planning ------------------------------------------------------------------------------------


def dies_planning(talk: socket.socket, /) -> None:
    """End when it is asked for a plan."""
    _serve(talk, _never, look=lambda *_: os._exit(9))


def hangs_planning(talk: socket.socket, /) -> None:
    """Say nothing when it is asked for a plan."""
    _serve(talk, _never, look=lambda *_: receive_frame(talk, most=1))


def talks_nonsense(talk: socket.socket, /) -> None:
    """Say that something was written instead of a plan."""
    _serve(talk, _never, look=lambda *_: (wire.WRITTEN, b"x"))


def says_that_a_pipe_is_broken(talk: socket.socket, /) -> None:
    """Say instead of a plan what the system says where somebody has gone."""
    gone = wire.encode_failure(BrokenPipeError(32, "Broken pipe"))
    _serve(talk, _never, look=lambda *_: (wire.FAILED, gone))


# -- writing -------------------------------------------------------------------------------------


def dies_writing(talk: socket.socket, /) -> None:
    """End in the middle of a file."""

    def write(talk: socket.socket, plan: Plan, descriptor: int) -> None:
        _write(talk, plan, descriptor, half=True)
        os._exit(9)

    _serve(talk, write)


def hangs_writing(talk: socket.socket, /) -> None:
    """Say that something was written, and no more."""

    def write(talk: socket.socket, plan: Plan, descriptor: int) -> None:
        send_frame(talk, wire.ADVANCED, wire.encode_count(1))
        receive_frame(talk, most=1)

    _serve(talk, write)


def advances_too_far(talk: socket.socket, /) -> None:
    """Say that more was written than there is."""

    def write(talk: socket.socket, plan: Plan, descriptor: int) -> None:
        send_frame(talk, wire.ADVANCED, wire.encode_count(plan.file.tensor_bytes + 1))
        receive_frame(talk, most=1)

    _serve(talk, write)


def writes_half(talk: socket.socket, /) -> None:
    """Say that a file was written of which half is there."""

    def write(talk: socket.socket, plan: Plan, descriptor: int) -> None:
        _write(talk, plan, descriptor, half=True)
        _written(talk)

    _serve(talk, write)


def writes_on(talk: socket.socket, /) -> None:
    """Write as much as the system lets it, into what it was given and past its end."""

    def write(talk: socket.socket, plan: Plan, descriptor: int) -> None:
        _write(talk, plan, descriptor)
        for place in (plan.file.size, plan.file.size + 1, 1 << 40):
            try:
                os.lseek(descriptor, place, os.SEEK_SET)
                while os.write(descriptor, b"x" * 4096):
                    pass
            except OSError:
                continue
        _written(talk)

    _serve(talk, write)


def writes_another_header(talk: socket.socket, /) -> None:
    """Write a file with another header than it said."""

    def write(talk: socket.socket, plan: Plan, descriptor: int) -> None:
        os.write(descriptor, plan.file.header.replace(b'"pt"', b'"tf"'))
        os.write(descriptor, bytes(plan.file.tensor_bytes))
        _written(talk)

    _serve(talk, write)


def changes_what_it_wrote(talk: socket.socket, /) -> None:
    """Write to a file again that was taken back, while the next one is written."""
    earlier: list[int] = []

    def write(talk: socket.socket, plan: Plan, descriptor: int) -> None:
        _write(talk, plan, descriptor)
        for each in earlier:
            os.lseek(each, 0, os.SEEK_SET)
            os.write(each, b"\x80\x04cos\nsystem\n(S'id'\ntR.")
        earlier.append(descriptor)
        _written(talk)

    _serve(talk, write)


# -- reaching out --------------------------------------------------------------------------------


def _call(name: str, *arguments: object) -> None:
    if getattr(_LIBRARY, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)


def _attempts(place: str, given: int) -> dict[str, Callable[[], object]]:
    """Return what to attempt from a process that may write to *given*, in or to the file *place*."""
    new = str(Path(place).with_name("new"))
    own = f"/proc/self/fd/{given}"
    return {
        "open": lambda: os.open(place, os.O_WRONLY),
        "read": lambda: os.open(place, os.O_RDONLY),
        "create": lambda: os.open(new, os.O_WRONLY | os.O_CREAT),
        "open again": lambda: os.open(own, os.O_RDWR),
        "unlink": lambda: Path(place).unlink(),
        "rename": lambda: Path(place).rename(new),
        "link": lambda: _call("linkat", -100, own.encode(), -100, new.encode(), 0x400),
        "mode": lambda: os.fchmod(given, 0o6755),
        "owner": lambda: os.fchown(given, 1, 1),
        "times": lambda: os.utime(given, (0, 0)),
        "attributes": lambda: os.setxattr(given, "user.a", b"b"),
        "cut": lambda: os.ftruncate(given, 1 << 40),
        "reserve": lambda: os.posix_fallocate(given, 0, 1 << 30),
        "send": lambda: os.sendfile(given, given, 0, 1),
        "limit": _limit,
        "lease": lambda: _fcntl(given),
        "socket": socket.socket,
        "program": lambda: os.execv("/bin/true", ["true"]),
        "process": os.fork,
        "signal": lambda: os.kill(os.getppid(), 0),
    }


def _limit() -> None:
    import resource  # noqa: PLC0415  unlike in the module's head, after a fork

    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _fcntl(given: int) -> None:
    import fcntl  # noqa: PLC0415

    fcntl.fcntl(given, fcntl.F_SETLEASE, fcntl.F_WRLCK)


def reaches_out(talk: socket.socket, /) -> None:
    """Attempt to reach what it was not given, and report what could be done."""

    def write(talk: socket.socket, plan: Plan, descriptor: int) -> None:
        place = str(_VICTIMS[-1])
        done = [name for name, attempt in _attempts(place, descriptor).items() if _done(attempt)]
        error = ArtifactRefusedError(f"done: {', '.join(done)}", where=plan.file.target)
        send_frame(talk, wire.FAILED, wire.encode_failure(error))

    _serve(talk, write)


def _done(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, ValueError):
        return False
    return True
