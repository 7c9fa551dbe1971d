"""
Carry connections from a network that has nothing in it to the places that are listed.

A process of its own, run by a fresh interpreter. A child of it enters the network inside, listens
there at an address for each place, hands the listeners up and ends; so what accepts belongs to the
inside, and what dials to the machine. The arguments are four for each place: the address inside,
the host, the port, and whether the host is an address; the input names the process whose network it
is.
"""

from __future__ import annotations

import _socket
import os
from struct import Struct

from weighbridge.sandbox.relay import process
from weighbridge.sandbox.relay.carrying import Carrier, close_others
from weighbridge.sandbox.relay.inside import enter, listeners
from weighbridge.sandbox.relay.names import Names

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from weighbridge.sandbox.relay.carrying import Address, Addresses, Ask

Place = tuple[str, str, int, bool]
"""The address inside, the host, the port, and whether the host is an address."""


def main(arguments: Sequence[str]) -> None:
    """Carry until killed."""
    parent, places = int(arguments[0]), [*_places(arguments[1:])]
    process.begin(parent)
    close_others(())
    carrier = Carrier(most=process.room())
    names = Names((host, port) for _, host, port, literal in places if literal)
    carrier.wake(names.descriptor, names.deliver)
    made = _listeners_inside(process.told(), [(inner, port) for inner, _, port, _ in places])
    process.give_up_rights()
    for descriptor, (_, host, port, literal) in zip(made, places, strict=True):
        ask = to_address(host, port) if literal else to_name(names, host, port)
        carrier.listen(_socket.socket(fileno=descriptor), ask)
    process.tell_ready()
    carrier.run()


def _places(arguments: Sequence[str]) -> Iterator[Place]:
    for at in range(0, len(arguments), 4):
        inner, host, port, literal = arguments[at : at + 4]
        yield inner, host, int(port), literal == "1"


def to_address(host: str, port: int) -> Ask:
    """Return what names one address."""
    family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
    place: Address = (int(family), (host, port))

    def ask(answer: Callable[[Addresses], None]) -> None:
        answer([place])

    return ask


def to_name(names: Names, host: str, port: int) -> Ask:
    """Return what names the addresses of *host* that count."""

    def ask(answer: Callable[[Addresses], None]) -> None:
        names.ask(host, port, answer)

    return ask


def _listeners_inside(first: int, places: Sequence[tuple[str, int]]) -> list[int]:
    """
    Have a child listen at *places* in the network of the process *first*.

    Raises:
        OSError: It could not.
    """
    here, there = _socket.socketpair()
    handed = Struct(f"={len(places)}i")
    child = os.fork()
    if child == 0:
        try:
            enter(first)
            made = listeners(places)
            numbers = handed.pack(*(listener.fileno() for listener in made))
            rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)
            there.sendmsg([b"listening"], [rights])
        except OSError as error:
            there.sendall(f"the network inside cannot be prepared: {error.strerror}".encode())
        finally:
            os._exit(0)
    there.close()
    said, found, _, _ = here.recvmsg(1024, _socket.CMSG_SPACE(handed.size))
    here.close()
    os.waitpid(child, 0)
    if not found or len(found[0][2]) != handed.size:
        raise OSError(0, said.decode("utf-8", "replace") or "the network inside cannot be entered")
    return [*handed.unpack(found[0][2])]
