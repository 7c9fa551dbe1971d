"""
Send a program behind walls for a result: from any thread, with given streams, within a time.

::

    caller --run_errand--> agent (a fresh interpreter) --Engine.run--> the program

An engine waits for its program, hands signals on and takes this process's standard streams. So a
process in between, the agent, runs it: the caller's signals and streams stay what they are, and
whoever ends the agent ends the program with all that it has started.
"""

import json
import os
import selectors
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import fields
from typing import Final, Protocol

from weighbridge.core.errors import IsolationError, UsageError
from weighbridge.core.values import frozen
from weighbridge.sandbox.launcher import search_path
from weighbridge.sandbox.walls.interface import Walls
from weighbridge.sandbox.walls.starting import PACKAGE, passed

_CODE: Final = (
    "import sys; sys.path += sys.argv[3:]; "
    "from weighbridge.sandbox.walls.agent import main; main(int(sys.argv[1]), int(sys.argv[2]))"
)
_FLAGS: Final = ("-I", "-S", "-B", "-X", "utf8")
_TOLD: Final = ("readable", "shown", "environment", "directory")
"""What the agent is told of walls: whoever is sent for a result changes and asks nothing."""
_BLOCK: Final = 1 << 16
_MOST_REPORT_BYTES: Final = 1 << 20


class Descriptor(Protocol):
    """What has the number of an open file."""

    @property
    def number(self) -> int:
        """The number."""
        ...


@frozen
class Errand:
    """
    What a program is sent for.

    Attributes:
        engine: Name of the engine that puts up the walls; it was probed.
        command: The program and its arguments.
        walls: What it may reach.
        seconds: How long it may take, start and end included.
        talk_bytes: How much it may write to standard error.
    """

    engine: str
    command: tuple[str, ...]
    walls: Walls
    seconds: float
    talk_bytes: int


@frozen
class Ended:
    """
    How it ended; nothing of it is running any more, or it is being killed.

    Attributes:
        exit_code: The program's; 128 + N where signal N ended it; None where it was stopped.
        late: Whether it was stopped because its time was up.
        loud: Whether it was stopped because it wrote too much to standard error.
        said: What it wrote there. Untrusted.
    """

    exit_code: int | None
    late: bool = False
    loud: bool = False
    said: bytes = b""


def run_errand(errand: Errand, /, *, given: Descriptor, result: Descriptor) -> Ended:
    """
    Run the program, whose standard input is *given* and whose standard output is *result*.

    May be called from any thread.

    Raises:
        IsolationError: The walls could not be put up; the program was not run.
        UsageError: There is no such program.
    """
    report, reporter = os.pipe()
    try:
        agent = _start_agent(errand, given=given, result=result, reporter=reporter)
        with agent:
            try:
                return _attend(agent, errand, report=report)
            finally:
                agent.kill()
    finally:
        os.close(report)
        os.close(reporter)


def _start_agent(
    errand: Errand, *, given: Descriptor, result: Descriptor, reporter: int
) -> "subprocess.Popen[bytes]":
    with passed(_order(errand)) as order:
        arguments = (str(order), str(reporter), os.fspath(PACKAGE.parent), *search_path())
        try:
            return subprocess.Popen(  # noqa: S603  this program's own
                [os.path.realpath(sys.executable), *_FLAGS, "-c", _CODE, *arguments],
                stdin=given.number,
                stdout=result.number,
                stderr=subprocess.PIPE,
                pass_fds=(order, reporter),
            )
        except OSError as error:
            raise IsolationError(
                f"the interpreter cannot be started: {error.strerror or error}",
                where=sys.executable,
            ) from error


def _order(errand: Errand) -> bytes:
    walls = errand.walls
    told = {name: getattr(walls, name) for name in _TOLD}
    limits = {each.name: getattr(walls.limits, each.name) for each in fields(walls.limits)}
    return json.dumps(
        {
            "engine": errand.engine,
            "command": errand.command,
            "walls": told,
            "limits": limits,
            "parent": os.getpid(),
        }
    ).encode()


def _attend(agent: "subprocess.Popen[bytes]", errand: Errand, *, report: int) -> Ended:
    """Listen until the agent has ended, or has to be."""
    until = time.monotonic() + errand.seconds
    said = bytearray()
    assert agent.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(agent.stderr, selectors.EVENT_READ)
        while selector.get_map():
            if not selector.select(until - time.monotonic()):
                if time.monotonic() < until:
                    continue
                return Ended(exit_code=None, late=True, said=bytes(said))
            piece = os.read(agent.stderr.fileno(), _BLOCK)
            said += piece
            if len(said) > errand.talk_bytes:
                return Ended(exit_code=None, loud=True, said=bytes(said))
            if not piece:
                selector.unregister(agent.stderr)
    try:
        agent.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Ended(exit_code=None, late=True, said=bytes(said))
    return _outcome(report, bytes(said))


def _outcome(report: int, said: bytes) -> Ended:
    """
    Return what the agent reports of the program's end.

    Raises:
        IsolationError, UsageError: What it reports instead.
    """
    os.set_blocking(report, False)
    told = b""
    with suppress(BlockingIOError):
        told = os.read(report, _MOST_REPORT_BYTES)
    reason = said.decode("utf-8", "replace").strip()[-400:]
    if not told:
        raise IsolationError("what puts up the walls has ended by itself", found=reason or None)
    outcome = json.loads(told)
    if "exit-code" in outcome:
        return Ended(exit_code=outcome["exit-code"], said=said)
    kind = UsageError if outcome["kind"] == "usage" else IsolationError
    raise kind(
        outcome["message"],
        where=outcome["where"],
        found=outcome["found"] or reason or None,
        hint=outcome["hint"],
    )
