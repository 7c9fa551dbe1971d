"""The child's half of a step: keep itself to what was ordered, and become the program."""

import contextlib
import json
import os
import resource
import signal
import socket
from typing import Final, NoReturn

from weighbridge.sandbox import filters, kernel, landlock, seccomp
from weighbridge.sandbox.install import listen
from weighbridge.sandbox.resources import NO_CORE, lower
from weighbridge.sandbox.steps.interface import Isolation, StepMeasure, StepOrder
from weighbridge.sandbox.walls.inherited import leave_terminal

_KEPT: Final = frozenset({0, 1, 3, 4})
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID: root's rights over files, which Landlock
limits. Without them root could not write into a directory of the user for whom it builds."""

_COMMON: Final = frozenset(
    f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")
)
"""Devices for which no requests are needed but those of terminals."""

_TRUNCATES_FROM: Final = 3
_PORTS_FROM: Final = 4

NOT_RUN: Final = 127
"""Exit code of a child that did not become the program."""


def become(order: StepOrder, talk: socket.socket, *, parent: int, ignored: bool) -> NoReturn:
    """
    Become the program of *order*; what cannot be done is said over *talk*, and nothing is run.

    Args:
        order: What is to be run.
        talk: The socket to the runner; it is closed when the program runs.
        parent: The runner's process; this one ends with it.
        ignored: Whether an interrupt of the terminal was ignored by whoever ordered.
    """
    try:
        _die_with(parent)
        said, listener = _confine(order)
        data = json.dumps(said).encode()
        if listener is None:
            talk.sendall(data)
        else:
            socket.send_fds(talk, [data], [listener])
            os.close(listener)
        if said["failure"] is None:
            talk.recv(1)
            _reset_signals(ignored=ignored)
            if order.quiet_output:
                os.dup2(2, 1)
            os.execve(order.program, list(order.command), dict(order.environment))  # noqa: S606  what was ordered
    except OSError as error:
        with contextlib.suppress(OSError):
            talk.sendall(json.dumps({"failure": error.strerror or str(error)}).encode())
    finally:
        os._exit(NOT_RUN)


def _confine(order: StepOrder) -> tuple[dict[str, object], int | None]:
    """Take every measure; return what the runner is to know, and the notices' descriptor."""
    enforced: list[StepMeasure] = []
    said: dict[str, object] = {"failure": None, "unobserved": None, "enforced": enforced}
    machine = kernel.machine()
    if order.isolation is not None:
        if machine is None:
            said["failure"] = "this system cannot isolate: its system calls are not known"
            return said, None
        try:
            isolate(order.isolation, machine)
        except OSError as error:
            said["failure"] = f"this system cannot isolate: {error.strerror or error}"
            return said, None
        enforced.extend(StepMeasure)
    if not order.observe:
        return said, None if order.isolation is None or machine is None else _changes(machine)
    if machine is None:
        said["unobserved"] = "the system calls of this architecture are not known"
        return said, None
    try:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        return said, listen(filters.observing(machine, changes=order.isolation is not None))
    except OSError as error:
        said["unobserved"] = error.strerror or str(error)
        if order.isolation is not None:
            seccomp.install(filters.changing(machine, asked=False))
        return said, None


def _changes(machine: str) -> int | None:
    """Return the descriptor of notices of changes; without one they look as if they were made."""
    try:
        return listen(filters.changing(machine, asked=True))
    except OSError:
        seccomp.install(filters.changing(machine, asked=False))
        return None


def isolate(isolation: Isolation, machine: str, /) -> None:
    """
    Keep this process, and all that it starts, to *isolation* for good.

    Raises:
        OSError: The kernel refuses a measure or does not know it; some may hold by then.
    """
    known = landlock.version()
    needed = _PORTS_FROM if isolation.ports else _TRUNCATES_FROM
    if known < needed:
        raise OSError(0, f"Landlock {needed} is needed, and the kernel has {known}")
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    # Of root's capabilities those over files stay, and no program gets others back.
    kernel.keep_capabilities(_KEPT)
    lower(resource.RLIMIT_CORE, NO_CORE)
    leave_terminal()
    landlock.restrict_step(
        readable=isolation.readable,
        writable=isolation.writable,
        devices=isolation.devices,
        listable=isolation.listable,
        ports=isolation.ports,
    )
    ways = filters.Ways(
        network=bool(isolation.ports),
        connecting=bool(isolation.ports),
        # Builds make programs executable, and give files the times of others.
        modes=True,
        devices=any(map(_is_special, isolation.devices)),
        signals_confined=known >= landlock.SIGNALS_FROM,
    )
    seccomp.install(filters.confining(machine, ways))


def _is_special(device: str) -> bool:
    """Tell whether a device is there that is more than every program's."""
    return device not in _COMMON and os.path.exists(device)  # noqa: PTH110  a name of the system's


def _die_with(parent: int) -> None:
    if kernel.machine() is None:
        return
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(NOT_RUN)


def _reset_signals(*, ignored: bool) -> None:
    """Have signals mean to the program what they would without this interpreter in between."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
