"""Start the relays that a program needs, and end them with it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from errno import EADDRNOTAVAIL, EAFNOSUPPORT
from pathlib import Path
from typing import IO, Final

import weighbridge
from weighbridge.core.endpoints import Destination, Listening
from weighbridge.core.errors import IsolationError
from weighbridge.sandbox.relay import READY

_CODE: Final = (
    "import sys; sys.path.append(sys.argv[2]); "
    "from weighbridge.sandbox.relay.process import main; main(sys.argv[1], sys.argv[3:])"
)
_FLAGS: Final = ("-I", "-S", "-B", "-X", "utf8")
_BACKLOG: Final = 512
_PREFIX: Final = "127.66"
"""Where names are inside: two further numbers make an address for each."""
_MOST_IN_A_ROW: Final = 250


def hosts(connect: Sequence[Destination], /) -> bytes:
    """Return what `/etc/hosts` has to say inside: the listed names, and no other."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [f"{address} {name}" for name, address in _own_addresses(connect).items()]
    return ("\n".join(lines) + "\n").encode("ascii")


def _own_addresses(connect: Sequence[Destination]) -> dict[str, str]:
    names = dict.fromkeys(each.host for each in connect if not each.literal)
    return {
        name: f"{_PREFIX}.{place // _MOST_IN_A_ROW}.{place % _MOST_IN_A_ROW + 1}"
        for place, name in enumerate(names)
    }


class Relays:
    """Relays that wait to be told whose network they are for."""

    def __init__(self, started: Sequence["subprocess.Popen[bytes]"]) -> None:
        self._started = started

    def begin(self, first: int, /) -> None:
        """
        Have connections carried for the network that the process *first* is in, from now on.

        Raises:
            IsolationError: The network cannot be entered or prepared.
        """
        for relay in self._started:
            assert relay.stdin is not None
            _write(relay.stdin, b"%d\n" % first)
        for relay in self._started:
            assert relay.stdout is not None
            if relay.stdout.readline() != READY:
                raise IsolationError("the network inside cannot be reached; the reason is above")


@contextmanager
def relays(listen: Sequence[Listening], connect: Sequence[Destination], /) -> Iterator[Relays]:
    """
    Start what carries connections in and out; it ends when this is left.

    Raises:
        IsolationError: A port cannot be had, or a relay cannot be started.
    """
    with ExitStack() as stack:
        started = []
        if listen:
            pairs = stack.enter_context(bound(listen))
            arguments = [str(number) for pair in pairs for number in pair]
            descriptors = [descriptor for descriptor, _ in pairs]
            started.append(_start(stack, "inward", arguments, descriptors))
        if connect:
            own = _own_addresses(connect)
            places = [[own.get(c.host, c.host), c.host, c.port, c.literal] for c in connect]
            started.append(_start(stack, "outward", [json.dumps(places)], ()))
        yield Relays(started)


@contextmanager
def bound(places: Sequence[Listening], /) -> Iterator[tuple[tuple[int, int], ...]]:
    """
    Listen at *places* of the machine; give pairs of a descriptor and the port.

    Raises:
        IsolationError: A place is taken, or there is no such address.
    """
    with ExitStack() as stack:
        listening = []
        for place in places:
            addresses = ("127.0.0.1", "::1") if place.address is None else (place.address,)
            found: list[socket.socket] = []
            for address in addresses:
                listener = _listener(address, place, required=not found)
                if listener is not None:
                    found.append(stack.enter_context(listener))
            listening += [(listener.fileno(), place.port) for listener in found]
        yield tuple(listening)


def _listener(address: str, place: Listening, *, required: bool) -> socket.socket | None:
    """Return what listens at *address*; None where the machine lacks it and need not have it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.socket(family)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # All of IPv6 is all of IPv4 as well, as people expect of it.
                only = int(address != "::")
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
            listener.bind((address, place.port))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        if not required and error.errno in {EADDRNOTAVAIL, EAFNOSUPPORT}:
            return None
        raise IsolationError(
            f"the port cannot be used: {error.strerror or error}", where=str(place)
        ) from error
    return listener


def _start(
    stack: ExitStack, name: str, arguments: Sequence[str], descriptors: Sequence[int]
) -> "subprocess.Popen[bytes]":
    python, package = os.path.realpath(sys.executable), Path(weighbridge.__file__).parents[1]
    line = (python, *_FLAGS, "-c", _CODE, name, os.fspath(package), str(os.getpid()), *arguments)
    try:
        relay = stack.enter_context(
            subprocess.Popen(  # noqa: S603  this program's own
                line,
                env={},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=descriptors,
            )
        )
    except OSError as error:
        raise IsolationError(
            f"the relay cannot be started: {error.strerror or error}", where=python
        ) from error
    stack.callback(relay.kill)
    return relay


def _write(pipe: IO[bytes], data: bytes) -> None:
    try:
        pipe.write(data)
        pipe.flush()
    except BrokenPipeError:
        return  # it has ended, which is noticed when it says nothing
