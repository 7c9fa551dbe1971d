"""
The process between whoever records a step and the step: a fresh interpreter, and no secrets.

Started by `launch` with one socket. It runs the program as its child, is told by the kernel what
that opens, ends what it leaves behind (as a subreaper every orphan comes here), and reports. When
the socket closes before, it has the program end. It never reads a file of the step's but the
first line of a script.
"""

import contextlib
import json
import os
import select
import signal
import socket
import time
from pathlib import Path
from typing import Any, Final

from weighbridge.core.limits.sandbox import MAX_ENDING_ROUNDS, MAX_STEP_ORDER_BYTES
from weighbridge.sandbox import kernel
from weighbridge.sandbox.frames import FrameError, receive_frame, send_frame
from weighbridge.sandbox.steps.calls import read_call
from weighbridge.sandbox.steps.changes import Changes
from weighbridge.sandbox.steps.child import become
from weighbridge.sandbox.steps.interface import REPORT, StepMeasure, StepOrder, StepReport
from weighbridge.sandbox.steps.notices import Listener
from weighbridge.sandbox.steps.observer import Observer
from weighbridge.sandbox.steps.wire import decode_order, encode_report

_SUBREAPER: Final = 36
"""PR_SET_CHILD_SUBREAPER."""
_MAX_SAID_BYTES: Final = 65536
_GONE: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL
_ROUND_SECONDS: Final = 0.2

UNREADABLE: Final = "the memory of a process could not be read"
TOO_DEEP: Final = "a path had more directories or links than are followed"


def main(control: int) -> None:
    """Run the one step that is ordered over the socket *control*."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    # A terminal interrupts everybody in front of it; it is for the caller to say what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whoever has it says how the step went: never what the step runs.
    os.set_inheritable(control, False)
    with socket.socket(fileno=control) as talk:
        try:
            _, data = receive_frame(talk, most=MAX_STEP_ORDER_BYTES)
            report = _Run(decode_order(data), talk, ignored=ignored).run()
            talk.setblocking(True)
            send_frame(talk, REPORT, encode_report(report))
        except FrameError:
            # Whoever ordered is gone, and so is everybody who would read.
            return


class _Run:
    """One step, from its start until nothing of it is left."""

    def __init__(self, order: StepOrder, talk: socket.socket, *, ignored: bool) -> None:
        self._order = order
        self._talk = talk
        self._ignored = ignored
        self._observer = Observer(order.expected)
        writable = () if order.isolation is None else order.isolation.writable
        self._changes = Changes(map(os.path.realpath, writable))
        self._listener: Listener | None = None
        self._status: int | None = None
        self._child = 0
        self._others = False
        self._ended = 0
        self._deadline: float | None = None
        self._poll = select.poll()
        self._wake, self._woken = os.pipe()

    def run(self) -> StepReport:
        """Run the step and return how it went."""
        with contextlib.suppress(OSError):
            kernel.prctl(_SUBREAPER, 1)
        for descriptor in (self._wake, self._woken):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        ours, theirs = socket.socketpair()
        with ours:
            parent = os.getpid()
            self._child = os.fork()
            if not self._child:
                ours.close()
                become(self._order, theirs, parent=parent, ignored=self._ignored)
            theirs.close()
            with contextlib.ExitStack() as unforeseen:
                unforeseen.callback(self._end_all)
                said = self._greet(ours)
                if said["failure"] is None:
                    with contextlib.suppress(OSError):
                        ours.sendall(b"!")
                self._attend()
                stubborn = self._clear_up()
                unforeseen.pop_all()
            failure = said["failure"] or _last_words(ours)
        return self._report(said, failure=failure, stubborn=stubborn)

    def _report(self, said: dict[str, Any], *, failure: str | None, stubborn: bool) -> StepReport:
        status = self._status
        code = None if status is None else os.waitstatus_to_exitcode(status)
        if failure is None and code is None:
            failure = "nobody knows how it ended"
        return StepReport(
            exit_code=code if failure is None and code is not None and code >= 0 else None,
            signal=-code if failure is None and code is not None and code < 0 else None,
            failure=failure,
            enforced=tuple(StepMeasure(name) for name in said.get("enforced", ())),
            observation=self._observer.report() if self._is_observed() else None,
            unobserved=said["unobserved"],
            ended=self._ended,
            stubborn=stubborn,
        )

    def _greet(self, ours: socket.socket) -> dict[str, Any]:
        """Return what the child says of what holds; begin to listen if there is something to."""
        data, descriptors, _, _ = socket.recv_fds(ours, _MAX_SAID_BYTES, 1)
        said: dict[str, Any] = {"failure": None, "unobserved": None, "enforced": []}
        if data:
            said |= json.loads(data)
        else:
            said["failure"] = "the process ended before it became the program"
        if descriptors:
            self._listener = Listener(descriptors[0])
            self._poll.register(descriptors[0], select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        self._poll.register(self._talk, select.POLLIN)
        return said

    def _attend(self) -> None:
        """Serve until the program has ended."""
        while self._status is None and self._child:
            self._serve(None if self._deadline is None else self._deadline - time.monotonic())
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self._kill_children()

    def _clear_up(self) -> bool:
        """End what the program left behind; return whether something of it is still there."""
        until = time.monotonic() + self._order.grace_seconds
        self._reap()
        while self._others and self._deadline is None and time.monotonic() < until:
            self._serve(until - time.monotonic())
        for _ in range(MAX_ENDING_ROUNDS):
            if not self._others:
                return False
            self._ended += self._kill_children()
            self._serve(_ROUND_SECONDS)
        return self._others

    def _end_all(self) -> None:
        """End the program and what it left behind, without looking at anything else of them."""
        for _ in range(MAX_ENDING_ROUNDS):
            self._kill_children()
            self._reap()
            if not self._others:
                return
            time.sleep(_ROUND_SECONDS)

    def _serve(self, seconds: float | None) -> None:
        """Wait for something to happen, *seconds* at most, and take it in."""
        wait = None if seconds is None else max(seconds, 0) * 1000
        for descriptor, events in self._poll.poll(wait):
            if descriptor == self._wake:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
            elif descriptor == self._talk.fileno():
                self._poll.unregister(descriptor)
                self._ask_to_end()
            elif events & select.POLLIN:
                self._take_notice()
            elif events & _GONE:
                self._poll.unregister(descriptor)
        self._reap()

    def _is_observed(self) -> bool:
        return self._order.observe and self._listener is not None

    def _take_notice(self) -> None:
        listener = self._listener
        assert listener is not None
        notice = listener.receive()
        if notice is None:
            return
        if self._order.isolation is not None and self._changes.is_about(notice):
            outcome = self._changes.make(notice, lambda: listener.is_valid(notice))
            listener.answer(notice, outcome)
            return
        call, found = None, None
        try:
            call = read_call(notice)
            found = self._observer.before(call)
        except OSError as error:
            if listener.is_valid(notice):
                self._observer.miss(f"{UNREADABLE}: {error.strerror}")
            call = None
        except RecursionError:
            self._observer.miss(TOO_DEEP)
            call = None
        valid = listener.is_valid(notice)
        listener.let_go_on(notice)
        if call is not None and valid:
            try:
                self._observer.after(call, found)
            except RecursionError:
                self._observer.miss(TOO_DEEP)

    def _reap(self) -> None:
        """Take note of every process that has ended."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._others = False
                return
            if not process:
                self._others = True
                return
            if process == self._child:
                self._status, self._child = status, 0

    def _ask_to_end(self) -> None:
        """Whoever ordered the step is gone, or wants it to end."""
        self._deadline = time.monotonic() + self._order.grace_seconds
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGTERM)

    def _kill_children(self) -> int:
        """End every child that has not ended; return how many."""
        count = 0
        for process in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
                count += process != self._child
        return count


def _children() -> list[int]:
    """Return the processes that are this one's children."""
    own = os.getpid()
    return [int(place.name) for place in Path("/proc").glob("[0-9]*") if _parent(place) == own]


def _parent(place: Path) -> int | None:
    """Return the parent of the process at *place*; None for one that has ended or is gone."""
    try:
        state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state == "Z" else int(parent)


def _last_words(ours: socket.socket) -> str | None:
    """Return why the child did not become the program; None if it did."""
    try:
        data = ours.recv(_MAX_SAID_BYTES)
    except OSError:
        return None
    return str(json.loads(data)["failure"]) if data else None
