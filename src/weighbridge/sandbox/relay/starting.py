"""
Start the relays that a program needs, and end them with it.

Imports next to nothing, as it is the start of a server; what people wrote is planned before.
"""

import _socket
import os
import sys
from errno import EADDRNOTAVAIL, EAFNOSUPPORT

from weighbridge.sandbox.relay import READY
from weighbridge.sandbox.spawning import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.core.endpoints import Destination, Listening

Port = tuple[str | None, int]
"""An address of the machine, or None for loopback, and the port there and inside."""
Place = tuple[str, str, int, bool]
"""The address inside, the host, the port, and whether the host is an address."""

_CODE = (
    "import sys; sys.path.append(sys.argv[2]); "
    "from weighbridge.sandbox.relay.process import main; main(sys.argv[1], sys.argv[3:])"
)
_FLAGS = ("-I", "-S", "-B", "-X", "utf8")
_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))  # noqa: PTH120  pathlib takes too long
_BACKLOG = 512
_PREFIX = "127.66"
"""Where names are inside: two further numbers make an address for each."""
_MOST_IN_A_ROW = 250
_LOOPBACK = ("127.0.0.1", "::1")
_FIRST = 3
_MOST_SAID = 64


class RelayError(Exception):
    """A connection cannot be carried; says why and, where it is about one, at which place."""

    def __init__(self, reason: str, where: str | None = None) -> None:
        super().__init__(reason)
        self.where = where


def hosts(connect: "Sequence[Destination]", /) -> bytes:
    """Return what `/etc/hosts` has to say inside: the listed names, and no other."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [f"{address} {name}" for name, address in _own_addresses(connect).items()]
    return ("\n".join(lines) + "\n").encode("ascii")


def ports(listen: "Iterable[Listening]", /) -> "list[Port]":
    """Return the ports of *listen* as `Relays` takes them."""
    return [(each.address, each.port) for each in listen]


def places(connect: "Sequence[Destination]", /) -> "list[Place]":
    """Return the places of *connect* as `Relays` takes them."""
    own = _own_addresses(connect)
    return [(own.get(c.host, c.host), c.host, c.port, c.literal) for c in connect]


def _own_addresses(connect: "Sequence[Destination]") -> dict[str, str]:
    names = dict.fromkeys(each.host for each in connect if not each.literal)
    return {
        name: f"{_PREFIX}.{place // _MOST_IN_A_ROW}.{place % _MOST_IN_A_ROW + 1}"
        for place, name in enumerate(names)
    }


class Relays:
    """
    What carries connections in and out: started at once, and waiting to be told for whose network.

    Whoever makes them has to `end` them.

    Raises:
        RelayError: A port cannot be had, or a relay cannot be started.
    """

    def __init__(self, listen: "Iterable[Port]", connect: "Iterable[Place]", /) -> None:
        self._started: list[tuple[int, int, int]] = []
        whole = False
        try:
            self._start_inward([*listen])
            arguments = [str(part) for place in connect for part in (*place[:3], int(place[3]))]
            if arguments:
                self._start("outward", arguments, ())
            whole = True
        finally:
            if not whole:
                self.end()

    def begin(self, first: int, /) -> None:
        """
        Have connections carried for the network that the process *first* is in, from now on.

        Raises:
            RelayError: The network cannot be entered or prepared.
        """
        for _, asking, _ in self._started:
            try:
                os.write(asking, b"%d\n" % first)
            except BrokenPipeError:
                continue  # it has ended, which is noticed when it says nothing
        for _, _, answer in self._started:
            if _line(answer) != READY:
                raise RelayError("the network inside cannot be reached; the reason is above")

    def end(self) -> None:
        """End them, with the connections that they carry."""
        for process, asking, answer in self._started:
            os.kill(process, 9)
            os.close(asking)
            os.close(answer)
            os.waitpid(process, 0)
        self._started.clear()

    def _start_inward(self, listen: "Sequence[Port]") -> None:
        if not listen:
            return
        listening: list[tuple[_socket.socket, int]] = []
        try:
            for place in listen:
                listening += [(listener, place[1]) for listener in bound(place)]
            pairs = [(number + _FIRST, port) for number, (_, port) in enumerate(listening)]
            arguments = [str(number) for pair in pairs for number in pair]
            self._start("inward", arguments, [listener.fileno() for listener, _ in listening])
        finally:
            for listener, _ in listening:
                listener.close()

    def _start(self, name: str, arguments: "Sequence[str]", descriptors: "Sequence[int]") -> None:
        """Start a relay, which has *descriptors* from the first number on that is no stream."""
        python = os.path.realpath(sys.executable)
        line = (python, *_FLAGS, "-c", _CODE, name, _PACKAGES, str(os.getpid()), *arguments)
        asked, asking = os.pipe()
        answer, answering = os.pipe()
        try:
            given = {number + _FIRST: own for number, own in enumerate(descriptors)}
            process = spawn(line, {0: asked, 1: answering, **given})
        except OSError as error:
            os.close(asking)
            os.close(answer)
            raise RelayError(
                f"the relay cannot be started: {error.strerror or error}", python
            ) from error
        finally:
            os.close(asked)
            os.close(answering)
        self._started.append((process, asking, answer))


def bound(place: "Port", /) -> "list[_socket.socket]":
    """
    Return sockets that listen at *place* of the machine.

    Raises:
        RelayError: It is taken, or there is no such address.
    """
    found: list[_socket.socket] = []
    address, port = place
    for each in _LOOPBACK if address is None else (address,):
        try:
            found.append(_listener(each, port))
        except OSError as error:
            # A machine need not have both versions of IP.
            if found and error.errno in {EADDRNOTAVAIL, EAFNOSUPPORT}:
                continue
            for listener in found:
                listener.close()
            raise RelayError(
                f"the port cannot be used: {error.strerror or error}", _text(address, port)
            ) from error
    return found


def _listener(address: str, port: int) -> _socket.socket:
    family = _socket.AF_INET6 if ":" in address else _socket.AF_INET
    listener = _socket.socket(family, _socket.SOCK_STREAM)
    try:
        listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        if family == _socket.AF_INET6:
            # All of IPv6 is all of IPv4 as well, as people expect of it.
            listener.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, int(address != "::"))
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _text(address: str | None, port: int) -> str:
    """Return the place as rules have it."""
    if address is None:
        return str(port)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _line(descriptor: int) -> bytes:
    said = b""
    while not said.endswith(b"\n") and len(said) < _MOST_SAID:
        piece = os.read(descriptor, _MOST_SAID)
        if not piece:
            break
        said += piece
    return said
