"""
What a listed name may lead to, and asking for it.

Whoever answers for a name, a name server on the way included, could say that it is a machine
inside: the one at which clouds give out credentials, or a neighbour (DNS rebinding). So of what a
name resolves to only addresses of the public network count, and those that are listed themselves.
"""

import ipaddress
import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from weighbridge.sandbox.relay.carrying import Address, Addresses

FRESH_SECONDS: Final = 30
"""For how long an answer is used; the system's resolver may keep it for longer."""

_MOST_COMPLAINTS: Final = 100
_MOST_ADDRESSES: Final = 16

_NOT_PUBLIC_4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        "168.63.129.16/32",  # Azure's own services, reachable from each of its machines
    )
)
"""IANA's registry of special addresses (RFC 6890), groups and what is reserved."""

_PUBLIC_6: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 seen through a translator (RFC 6052)."""


def is_public(text: str, /) -> bool:
    """Tell whether the address *text* is one of the public network, and of one machine."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    if address in _TRANSLATED:
        return is_public(str(ipaddress.IPv4Address(address.packed[-4:])))
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def resolve(name: str, port: int) -> list[Address]:
    """
    Ask the system's resolver.

    Raises:
        OSError: There is no answer.
    """
    # As bytes: a name that was checked needs no international encoding.
    found = socket.getaddrinfo(name.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [(int(family), (str(address[0]), port)) for family, _, _, _, address in found]


Resolve = Callable[[str, int], list[Address]]


class Names:
    """
    Answers for names, asked for by threads of their own.

    Args:
        listed: Addresses and ports that are listed themselves.
        resolver: Who is asked.
        complain: Told of what is refused, once each.
        now: Seconds on a clock that only goes forward.
    """

    def __init__(
        self,
        listed: Iterable[tuple[str, int]],
        *,
        resolver: Resolve = resolve,
        complain: Callable[[str], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listed = frozenset(listed)
        self._resolver = resolver
        self._complain = complain or _complain
        self._complained: set[str] = set()
        self._now = now
        self._known: dict[tuple[str, int], tuple[float, list[Address]]] = {}
        self._waiting: dict[tuple[str, int], list[Callable[[Addresses], None]]] = {}
        self._answers: deque[tuple[tuple[str, int], list[Address] | str]] = deque()
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        """Can be read when `deliver` has something to do."""

    def ask(self, name: str, port: int, answer: Callable[[Addresses], None]) -> None:
        """Call *answer*, now or from `deliver`, with the addresses that count."""
        key = (name, port)
        known = self._known.get(key)
        if known is not None and self._now() - known[0] < FRESH_SECONDS:
            answer(known[1])
            return
        waiting = self._waiting.setdefault(key, [])
        waiting.append(answer)
        if len(waiting) == 1:
            threading.Thread(target=self._resolve, args=key, daemon=True).start()

    def deliver(self) -> None:
        """Give out the answers that have come."""
        os.eventfd_read(self.descriptor)
        while self._answers:
            key, found = self._answers.popleft()
            if isinstance(found, str):
                self._say(f"{key[0]} is not known: {found}")
                counting: list[Address] = []
            else:
                counting = self._counting(key[0], found)
                self._known[key] = (self._now(), counting)
            for answer in self._waiting.pop(key):
                answer(counting)

    def close(self) -> None:
        """Take no more answers; nothing may be asked then."""
        os.close(self.descriptor)

    def _resolve(self, name: str, port: int) -> None:
        """In a thread: asking can take long."""
        try:
            found: list[Address] | str = self._resolver(name, port)
        except (OSError, UnicodeError) as error:
            found = str(error)
        self._answers.append(((name, port), found))
        os.eventfd_write(self.descriptor, 1)

    def _counting(self, name: str, found: list[Address]) -> list[Address]:
        counting = []
        for family, (address, port) in found[:_MOST_ADDRESSES]:
            if (address, port) in self._listed or is_public(address):
                counting.append((family, (address, port)))
            else:
                self._say(
                    f"{name} resolves to {address}, which is not public: list {address}:{port} "
                    "in isolation.connect as well if it is meant"
                )
        return counting

    def _say(self, text: str) -> None:
        if text not in self._complained and len(self._complained) < _MOST_COMPLAINTS:
            self._complained.add(text)
            self._complain(text)


def _complain(text: str) -> None:
    sys.stderr.write(f"weighbridge: {text}\n")
    sys.stderr.flush()
