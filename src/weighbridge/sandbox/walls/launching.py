"""
Start bubblewrap by words that are known, with what is made anew for each program, and wait for it.

::

    relays, a group --> bubblewrap --> the last step --> gate --> the program

A run is started by this, and repeated by it. Imports next to nothing, since it is the start of a
server, which is to take milliseconds: the relays and the last step start at the same time.
"""

import _signal  # type: ignore[import-not-found]  # `signal` imports enumerations
import marshal
import os
import select
import sys
import time

from weighbridge.sandbox.relay.starting import RelayError, Relays
from weighbridge.sandbox.spawning import filled, spawn
from weighbridge.sandbox.walls.ending import TIME_OVER, End

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from weighbridge.sandbox.relay.starting import Place, Port

ORDER, STARTED, INFO, GATE, JOINS, CONTENTS = 3, 4, 5, 6, 7, 10
"""Descriptors of what is started: what the last step reads, what it tells of its start by, what
bubblewrap tells of itself by, what the last step waits for, and the first by which it joins groups
and from which bubblewrap reads."""

_PASSED_ON = (_signal.SIGTERM, _signal.SIGHUP, _signal.SIGUSR1, _signal.SIGUSR2)
_CHILD = b'"child-pid":'
_BLOCK = 4096
_MOST_MILLISECONDS = 10**9


class NotStartedError(Exception):
    """The program was not run; says why and, where it is about something, at which place."""

    def __init__(self, reason: str, where: str | None = None) -> None:
        super().__init__(reason)
        self.where = where


def launch(
    line: "Sequence[str]",
    *,
    contents: "Sequence[bytes]",
    order: "Mapping[str, object]",
    listen: "Iterable[Port]" = (),
    connect: "Iterable[Place]" = (),
    shares: "Mapping[str, int] | None" = None,
    held: "Collection[str]" = (),
    seconds: int | None = None,
) -> End:
    """
    Run a program, and return how it ended.

    Args:
        line: Bubblewrap and its arguments.
        contents: What it reads from the descriptors from `CONTENTS` on.
        order: What the last step reads from `ORDER`, but for the descriptors that it gets.
        listen: Where the program can be asked.
        connect: Whom it may ask.
        shares: What all of its processes may use together.
        held: What of these a group has to hold, no more and no less: the order goes by it.
        seconds: How long it may take.

    Raises:
        NotStartedError: A wall cannot be put up; the program was not run.
    """
    start = _Start(line, contents, order, [*listen], [*connect])
    if not shares:
        return start.run(seconds, {}, None)
    # Imported here: few programs are limited together.
    from weighbridge.sandbox.groups.group import grouped  # noqa: PLC0415  see above

    with grouped(shares) as group:
        if frozenset(held) != (frozenset() if group is None else group.held):
            raise NotStartedError("what a control group can hold here has changed meanwhile")
        if group is None:
            return start.run(seconds, {}, None)
        joins = {JOINS + number: own for number, own in enumerate(group.joins)}
        return start.run(seconds, joins, group.exceeded)


class _Start:
    """What a start is told, and what is open for it until it has ended."""

    def __init__(
        self,
        line: "Sequence[str]",
        contents: "Sequence[bytes]",
        order: "Mapping[str, object]",
        listen: "Sequence[Port]",
        connect: "Sequence[Place]",
    ) -> None:
        self._line = line
        self._contents = contents
        self._order = order
        self._listen = listen
        self._connect = connect
        self._opened: set[int] = set()
        self._asked: list[int] = []

    def run(
        self,
        seconds: int | None,
        joins: "Mapping[int, int]",
        exceeded: "Callable[[], frozenset[str]] | None",
    ) -> End:
        """
        Run the program; see `launch`.

        Args:
            seconds: How long it may take.
            joins: Descriptors here of groups that it joins, by their numbers there.
            exceeded: Returns what of its shares it was refused.

        Raises:
            NotStartedError: It was not run.
        """
        news, teller = self._pipe()
        os.set_blocking(news, False)
        relays = None
        before: dict[int, Any] = {}
        try:
            # An interrupt of the terminal is for the program, which is in the same group; and how
            # it ends is to be told, whatever whoever started this process ignores.
            before[_signal.SIGINT] = _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
            if _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN:
                before[_signal.SIGCHLD] = _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
            relays = Relays(self._listen, self._connect)
            status, over = self._run(seconds, {**joins, STARTED: teller}, relays)
            # What it exits with says nothing of that: the program may exit with anything.
            if not _said(news):
                if self._asked:
                    # It was asked to end before the program was there: so it does.
                    return End(128 + self._asked[0])
                raise NotStartedError(
                    "the walls could not be put up, and the program was not run; the reason is "
                    "above"
                )
        except RelayError as error:
            raise NotStartedError(str(error), error.where) from error
        finally:
            if relays is not None:
                relays.end()
            self._close(*self._opened)
            # At last: who ignores the end of children could not wait for any of them.
            _set_back(before)
        code = os.waitstatus_to_exitcode(status)
        return End(
            TIME_OVER if over else 128 - code if code < 0 else code,
            over=over,
            exceeded=frozenset() if exceeded is None else exceeded(),
        )

    def _run(
        self, seconds: int | None, given: "dict[int, int]", relays: Relays
    ) -> tuple[int, bool]:
        """Return the status that bubblewrap ends with, and whether that took too long."""
        joins = sorted(there for there in given if there >= JOINS)  # nothing else is given yet
        info = gate = None
        if self._listen or self._connect:
            info, given[INFO] = self._pipe()
            given[GATE], gate = self._pipe()
        own = {"started": STARTED, "gate": None if gate is None else GATE, "joins": joins}
        given[ORDER] = self._filled(marshal.dumps({**self._order, **own}))
        for number, content in enumerate(self._contents):
            given[CONTENTS + number] = self._filled(content)
        try:
            process = spawn(self._line, given)
        except OSError as error:
            raise NotStartedError(_why_not(error, given), self._line[0]) from error
        before: dict[int, Any] = {}
        in_time = False
        try:
            self._close(*(own for there, own in given.items() if there not in joins))
            for number in _PASSED_ON:
                before[number] = _signal.signal(number, _passing_on(process, self._asked))
            first = None if info is None else _first_inside(info)
            if first is not None and gate is not None:
                relays.begin(first)
                _open(gate)
            in_time = _ends(process, seconds)
        finally:
            if not in_time:
                os.kill(process, _signal.SIGKILL)
            # Signals are nobody's before it is waited for: until then its number is its own.
            _set_back(before)
            status = os.waitpid(process, 0)[1]
        return status, not in_time

    def _pipe(self) -> tuple[int, int]:
        made = os.pipe()
        self._opened.update(made)
        return made

    def _filled(self, data: bytes) -> int:
        made = filled(data)
        self._opened.add(made)
        return made

    def _close(self, *descriptors: int) -> None:
        for each in descriptors:
            self._opened.remove(each)
            os.close(each)


def _first_inside(info: int) -> int | None:
    """Return the first process inside; None where bubblewrap has failed before there was one."""
    said = b""
    while piece := os.read(info, _BLOCK):
        said += piece
    number = said.partition(_CHILD)[2].strip().partition(b",")[0].strip(b" \n}")
    return int(number) if number.isdigit() else None


def _open(gate: int) -> None:
    try:
        os.write(gate, b"x")
    except BrokenPipeError:
        return  # whoever waits for it has ended


def _ends(process: int, seconds: int | None) -> bool:
    """Wait for a child to end, and tell whether it did in time; it is not taken."""
    waiting = select.poll()
    descriptor = os.pidfd_open(process)
    try:
        waiting.register(descriptor, select.POLLIN)
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            if waiting.poll(None if left is None else min(left * 1000, _MOST_MILLISECONDS)):
                return True
            if left == 0:
                return False
    finally:
        os.close(descriptor)


def _set_back(before: "dict[int, Any]") -> None:
    while before:
        number, handler = before.popitem()
        _signal.signal(number, handler)


def _said(news: int) -> bool:
    try:
        return bool(os.read(news, 1))
    except BlockingIOError:
        return False


def _passing_on(process: int, asked: "list[int]") -> "Callable[[int, object], None]":
    def pass_on(number: int, frame: object) -> None:
        """Hand a signal to the program, which the first process inside has started."""
        del frame
        asked.append(number)
        for first in _children(process) or [process]:
            # The first process of a namespace heeds none of these: while it prepares, who has
            # started it ends, and it with that.
            for child in _children(first) or [process]:
                try:
                    os.kill(child, number)
                except ProcessLookupError:
                    continue

    return pass_on


def _children(process: int) -> "list[int]":
    try:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:  # noqa: PTH123
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def _why_not(error: OSError, given: "Mapping[int, int]") -> str:
    """Say why a program was not started that is given descriptors, by their numbers there."""
    import resource  # noqa: PLC0415  see the module: most programs are started

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = max(given) + 1 + len(given)  # each is held above all numbers for a moment
    if 0 <= allowed <= needed:  # below 0 there is no limit
        return (
            f"the engine cannot be started: expected that {needed + 1} files may be open "
            f"(ulimit -n), found {allowed}"
        )
    return f"the engine cannot be started: {error.strerror or error}"


def say(text: str) -> None:
    """Write a line to standard error; nothing where that is closed, or cannot be written."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return
