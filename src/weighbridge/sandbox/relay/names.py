"""
What a listed name may lead to, and asking for it.

Whoever answers for a name, a name server on the way included, could say that it is a machine
inside: the one at which clouds give out credentials, or a neighbour (DNS rebinding). So of what a
name resolves to only addresses of the public network count, and those that are listed themselves.
"""

from __future__ import annotations

import _socket
import _thread
import os
import sys
import time
from collections import deque

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

    from weighbridge.sandbox.relay.carrying import Address, Addresses

    Resolve = Callable[[str, int], list[Address]]
    Counts = Callable[[str], bool]

FRESH_SECONDS: Final = 30
"""For how long an answer is used; the system's resolver may keep it for longer."""

_MOST_COMPLAINTS: Final = 100
_MOST_ADDRESSES: Final = 16


def resolve(name: str, port: int) -> list[Address]:
    """
    Ask the system's resolver.

    Raises:
        OSError: There is no answer.
    """
    # As bytes: a name that was checked needs no international encoding.
    found = _socket.getaddrinfo(name.encode("ascii"), port, 0, _socket.SOCK_STREAM)
    return [(int(family), (str(address[0]), port)) for family, _, _, _, address in found]


class Names:
    """
    Answers for names, asked for by threads of their own.

    Args:
        listed: Addresses and ports that are listed themselves.
        resolver: Who is asked.
        counts: Tells whether a name may lead to an address that is not listed.
        complain: Told of what is refused, once each.
        now: Seconds on a clock that only goes forward.
    """

    def __init__(
        self,
        listed: Iterable[tuple[str, int]],
        *,
        resolver: Resolve = resolve,
        counts: Counts | None = None,
        complain: Callable[[str], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listed = frozenset(listed)
        self._resolver = resolver
        self._counts = counts or is_elsewhere
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
            try:
                _thread.start_new_thread(self._resolve, key)
            except RuntimeError as error:
                # The system has no more threads now: no answer either, and the others go on.
                self._answers.append((key, str(error)))
                os.eventfd_write(self.descriptor, 1)

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
            if (address, port) in self._listed or self._counts(address):
                counting.append((family, (address, port)))
            else:
                self._say(
                    f"{name} resolves to {address}, which is not public, or this machine's: list "
                    f"{address}:{port} in isolation.connect as well if it is meant"
                )
        return counting

    def _say(self, text: str) -> None:
        if text not in self._complained and len(self._complained) < _MOST_COMPLAINTS:
            self._complained.add(text)
            self._complain(text)


def is_elsewhere(address: str, /) -> bool:
    """Tell whether *address* is one of the public network, and of another machine."""
    # Imported here: nobody is asked for a name while the program starts.
    from weighbridge.sandbox.relay.addresses import is_own, is_public  # noqa: PLC0415  see above

    return is_public(address) and not is_own(address)


def _complain(text: str) -> None:
    sys.stderr.write(f"weighbridge: {text}\n")
    sys.stderr.flush()
