"""
The step before an engine that is a program of another's making.

It sees to what such an engine does not: that standard streams lead to nobody and stay whose they
are, that nothing but them is inherited, and that the engine ends with whoever asked for it. Run by
a fresh interpreter.
"""

import marshal
import os
import signal
from typing import Final, NoReturn

from weighbridge.sandbox import kernel
from weighbridge.sandbox.walls import minder
from weighbridge.sandbox.walls.inherited import check_streams, close_all_but
from weighbridge.sandbox.walls.inner import NOT_CONFINED, fail

_NO_CHOWN: Final = frozenset(range(1, 64))
"""Every capability but the first, CAP_CHOWN: gVisor makes the files, terminals and devices that are
standard streams nobody's where it can, for good, and goes on where it cannot."""


def main(descriptor: int) -> NoReturn:
    """Read the order from *descriptor*, and become the engine."""
    with os.fdopen(descriptor, "rb") as file:
        order = marshal.loads(file.read())  # noqa: S302  of the process that started this one
    try:
        check_streams()
        parent = minder.fork_minded(order["parent"], leaves=order["leaves"])
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        minder.require_parent(parent)
        os.set_inheritable(order["started"], False)
        close_all_but(order["started"])
        kernel.keep_capabilities(_NO_CHOWN)
        os.write(order["started"], b"started")
        os.execve(order["line"][0], order["line"], {})  # noqa: S606  what was ordered
    except OSError as error:
        fail(NOT_CONFINED, f"the walls cannot be put up: {error.strerror or error}")
