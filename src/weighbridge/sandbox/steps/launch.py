"""Run a step in the process that records it: start the runner, wait, and have it end if need be."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import weighbridge
from weighbridge.core.errors import OperationError
from weighbridge.core.limits.sandbox import MAX_STEP_REPORT_BYTES
from weighbridge.sandbox.frames import FrameError, receive_frame, send_frame
from weighbridge.sandbox.steps.interface import ORDER, StepOrder, StepReport
from weighbridge.sandbox.steps.wire import decode_report, encode_order

_CODE: Final = (
    "import sys; sys.path += sys.argv[2:]; "
    "from weighbridge.sandbox.steps.runner import main; main(int(sys.argv[1]))"
)
_FLAGS: Final = ("-I", "-S", "-B", "-X", "utf8")
_VARIABLES: Final = ("LD_LIBRARY_PATH",)


def is_supported() -> bool:
    """Tell whether this system can run steps: not so Windows."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


def run_step(order: StepOrder, /) -> StepReport:
    """
    Run the step and wait until nothing of it is left.

    It has this process's standard streams. An interrupt has it end: it is asked to, and what has
    not ended after the order's grace is killed; then the interrupt goes on.

    Raises:
        OperationError: The runner cannot be started, or ended without a report.
    """
    if not is_supported():
        raise OperationError("this system cannot run a step so that it can be recorded")
    if not sys.executable:
        raise OperationError("the path of the Python interpreter is not known")
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            runner = _start(theirs)
        with contextlib.ExitStack() as leaving:
            leaving.callback(runner.wait)
            leaving.callback(ours.close)
            with contextlib.ExitStack() as unwinding:
                unwinding.callback(_call_off, ours)
                report = _converse(ours, order)
                unwinding.pop_all()
            return report


def _start(theirs: socket.socket) -> "subprocess.Popen[bytes]":
    own = os.fspath(Path(weighbridge.__file__).parent.parent)
    number = theirs.fileno()
    try:
        return subprocess.Popen(  # noqa: S603  our own interpreter and code
            [sys.executable, *_FLAGS, "-c", _CODE, str(number), own],
            env={n: os.environ[n] for n in _VARIABLES if n in os.environ},
            pass_fds=[number],
        )
    except OSError as error:
        raise OperationError(
            f"the runner of the step cannot be started: {error.strerror or error}"
        ) from error


def _call_off(talk: socket.socket) -> None:
    """Have the step end where nobody waits for its report; the runner sees it by the socket."""
    with contextlib.suppress(OSError):
        talk.shutdown(socket.SHUT_WR)
    with contextlib.suppress(FrameError, KeyboardInterrupt):
        receive_frame(talk, most=MAX_STEP_REPORT_BYTES)


def _converse(talk: socket.socket, order: StepOrder) -> StepReport:
    try:
        send_frame(talk, ORDER, encode_order(order))
        _, data = receive_frame(talk, most=MAX_STEP_REPORT_BYTES)
    except FrameError as error:
        raise OperationError(
            "the runner of the step is gone, and what it ran may go on",
            found=str(error),
            hint="See which processes are left before you start the step again",
        ) from error
    return decode_report(data)
