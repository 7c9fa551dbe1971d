"""
Carry connections from the machine to a port in a network that has nothing in it.

A process of its own, run by a fresh interpreter: it listens outside and connects inside, so that a
program there can be asked, and cannot ask. Its arguments are pairs of a descriptor that listens and
the port inside; its input names the process whose network it is.
"""

from __future__ import annotations

import _socket

from weighbridge.sandbox.relay import process
from weighbridge.sandbox.relay.carrying import Carrier, close_others
from weighbridge.sandbox.relay.inside import enter

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from weighbridge.sandbox.relay.carrying import Addresses, Ask

_HOSTS: Final = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))


def main(arguments: Sequence[str]) -> None:
    """Carry until killed."""
    parent, *rest = map(int, arguments)
    process.begin(parent)
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    close_others(descriptor for descriptor, _ in pairs)
    carrier = Carrier(most=process.room())
    enter(process.told())
    process.give_up_rights()
    for descriptor, port in pairs:
        carrier.listen(_socket.socket(fileno=descriptor), inside(port))
    process.tell_ready()
    carrier.run()


def inside(port: int) -> Ask:
    """Return what names the places at which a server inside may listen at *port*."""
    places = [(family, (host, port)) for family, host in _HOSTS]

    def ask(answer: Callable[[Addresses], None]) -> None:
        answer(places)

    return ask
