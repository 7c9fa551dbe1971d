"""
Carry bytes between pairs of connections, all of them in one thread that waits for none.

Each end is read only while the other one keeps up, so that a slow reader holds back its own peer
and nobody else. An end of data and a reset go on to the other side as what they are: who was cut
off is never told that all has arrived.
"""

from __future__ import annotations

# Without the library's classes: looking up enumerations took a third of what a connection costs.
import _socket
import errno
import os
import select
import struct
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MOST_CONNECTIONS: Final = 1024
"""Carried at a time; further ones wait in the kernel's queue. Each takes two descriptors."""

_CHUNK: Final = 1 << 18
_SYN_RETRIES: Final = 4
"""TCP_SYNCNT: an attempt to connect is given up after half a minute, as by most clients."""
_IN, _OUT = select.EPOLLIN, select.EPOLLOUT
_BROKEN: Final = select.EPOLLERR | select.EPOLLHUP
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset."""
_OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Address = tuple[int, tuple[str, int]]
"""A family and an address of it."""
Addresses = Iterable[Address]
Ask = Callable[[Callable[[Addresses], None]], None]
"""Calls what it is given, now or later, with where to connect to, in the order to be tried."""


class _End:
    """One end of a connection: what waits to be sent to it, and what has become of it."""

    __slots__ = ("connecting", "descriptor", "ended", "interest", "other", "pending", "socket")

    def __init__(self, connection: _socket.socket) -> None:
        self.socket = connection
        self.descriptor = connection.fileno()
        self.pending = memoryview(b"")
        self.connecting = False
        self.ended = False  # it will send no more
        self.interest = 0
        self.other = self


class Carrier:
    """All connections of one relay."""

    def __init__(self, *, most: int = MOST_CONNECTIONS) -> None:
        self._poll = select.epoll()
        self._ends: dict[int, _End] = {}
        self._listeners: dict[int, tuple[_socket.socket, int, Ask]] = {}
        self._woken: dict[int, Callable[[], None]] = {}
        self._fresh: set[int] = set()
        self._left = most
        self._paused = False
        self._buffer = bytearray(_CHUNK)
        self._room = memoryview(self._buffer)

    def listen(self, listener: _socket.socket, ask: Ask) -> None:
        """Accept at *listener*, and connect each who calls to where *ask* says."""
        listener.setblocking(False)
        # Those who call take both over.
        listener.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1)
        self._listeners[listener.fileno()] = (listener, int(listener.family), ask)
        self._poll.register(listener.fileno(), _IN)

    def wake(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call *call* whenever *descriptor* can be read."""
        self._woken[descriptor] = call
        self._poll.register(descriptor, _IN)

    def run(self) -> None:
        """Carry for ever."""
        while True:
            self.step()

    def step(self, seconds: float = -1) -> None:
        """Do what can be done now, or wait for it; with *seconds* no longer than that."""
        self._fresh.clear()
        for descriptor, events in self._poll.poll(seconds):
            if descriptor in self._fresh:
                continue  # the event is of one that had this number before
            end = self._ends.get(descriptor)
            if end is not None:
                self._carry(end, events)
            elif descriptor in self._listeners:
                self._accept(*self._listeners[descriptor])
            elif descriptor in self._woken:
                self._woken[descriptor]()

    def close(self) -> None:
        """Cut off everybody; the listeners are the caller's."""
        self._paused = False
        for end in list(self._ends.values()):
            self._abort(end)
        self._poll.close()

    @property
    def carried(self) -> int:
        """How many descriptors of connections there are."""
        return len(self._ends)

    # -- beginning ------------------------------------------------------------------------------

    def _accept(self, listener: _socket.socket, family: int, ask: Ask) -> None:
        if self._left == 0:
            return  # of several events the last places went to earlier ones
        try:
            descriptor, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS and self._ends:
                self._pause()
            return  # or whoever called has hung up
        caller = _socket.socket(family, _socket.SOCK_STREAM, 0, descriptor)
        caller.setblocking(False)
        self._left -= 1
        if self._left == 0:
            self._pause()
        near = _End(caller)
        self._add(near)
        ask(lambda addresses: self._dial(near, deque(addresses)))

    def _dial(self, near: _End, addresses: deque[Address]) -> None:
        """Connect to the first of *addresses* that answers; without one, hang up."""
        while addresses:
            family, address = addresses.popleft()
            try:
                outgoing = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK)
            except OSError:
                continue
            outgoing.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            result = outgoing.connect_ex(address)
            if result in {0, errno.EINPROGRESS}:
                if result:
                    outgoing.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_SYNCNT, _SYN_RETRIES)
                self._join(near, outgoing, addresses, connecting=result != 0)
                return
            outgoing.close()
        self._abort(near)

    def _join(
        self,
        near: _End,
        outgoing: _socket.socket,
        addresses: deque[Address],
        *,
        connecting: bool,
    ) -> None:
        far = _Dialled(outgoing, addresses)
        far.connecting = connecting
        far.other, near.other = near, far
        self._add(far)
        self._watch(far)
        self._watch(near)

    def _add(self, end: _End) -> None:
        self._ends[end.descriptor] = end
        self._fresh.add(end.descriptor)

    # -- carrying -------------------------------------------------------------------------------

    def _carry(self, end: _End, events: int) -> None:
        try:
            if end.connecting:
                self._connected(end)
                return
            if events & _OUT:
                self._flush(end)
            # What came before a reset is still there to be read, if there is room for it.
            if events & (_IN | _BROKEN) and end.interest & _IN:
                self._receive(end)
            elif events & _BROKEN:
                # It is gone, and what it sent waits for its other end: look again when that is up.
                self._set(end, 0)
        except BlockingIOError:
            return
        except OSError:
            self._abort(end)

    def _connected(self, far: _End) -> None:
        failure = far.socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if failure == 0:
            far.connecting = False
            self._watch(far)
            self._watch(far.other)
            return
        near = far.other
        self._forget(far)
        near.other = near
        assert isinstance(far, _Dialled)
        self._dial(near, far.further)

    def _receive(self, end: _End) -> None:
        count = end.socket.recv_into(self._buffer)
        other = end.other
        if count == 0:
            end.ended = True
            if not other.pending:
                self._shut(other)
        else:
            sent = self._send(other, self._room[:count])
            if sent == count and not end.ended:
                return  # nothing changed in what is waited for: by far the most frequent case
            other.pending = memoryview(bytes(self._room[sent:count]))
        self._watch(end)
        self._watch(other)

    def _flush(self, end: _End) -> None:
        """Send what waits for *end*."""
        if not end.pending:
            return
        end.pending = end.pending[self._send(end, end.pending) :]
        if not end.pending and end.other.ended:
            self._shut(end)
        self._watch(end)
        self._watch(end.other)

    def _send(self, end: _End, data: memoryview) -> int:
        """Return how much of *data* needs to be sent no more."""
        try:
            return end.socket.send(data)
        except BlockingIOError:
            return 0
        except ConnectionError:
            # It takes no more; what it sent before that, such as why, is still carried.
            end.other.ended = True
            return len(data)

    def _shut(self, end: _End) -> None:
        """Tell *end* that no more comes; if it has said so too, that was all."""
        if end.ended:
            self._forget(end.other)
            self._forget(end)
        else:
            with suppress(OSError):  # it is gone, which is seen when it is read from
                end.socket.shutdown(_socket.SHUT_WR)

    def _watch(self, end: _End) -> None:
        """Wait for what can be done: read while the other end keeps up, write what waits."""
        if end.connecting:
            self._set(end, _OUT)
            return
        stuck = end.ended or end.other.pending or end.other.connecting or end.other is end
        self._set(end, (0 if stuck else _IN) | (_OUT if end.pending else 0))

    def _set(self, end: _End, interest: int) -> None:
        if end.interest == interest or self._ends.get(end.descriptor) is not end:
            return
        if not end.interest:
            self._poll.register(end.descriptor, interest)
        elif interest:
            self._poll.modify(end.descriptor, interest)
        else:
            # With nothing to wait for, the kernel would go on to tell of what is broken.
            self._poll.unregister(end.descriptor)
        end.interest = interest

    # -- ending ---------------------------------------------------------------------------------

    def _abort(self, end: _End) -> None:
        """End both sides at once, and have neither take it for a regular end."""
        for each in {end, end.other}:
            if self._ends.get(each.descriptor) is each:
                each.socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _RESET)
                self._forget(each)

    def _forget(self, end: _End) -> None:
        if self._ends.get(end.descriptor) is not end:
            return
        del self._ends[end.descriptor]
        if end.interest:
            self._poll.unregister(end.descriptor)
        end.socket.close()
        if not isinstance(end, _Dialled):
            self._left += 1
            self._resume()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            for descriptor in self._listeners:
                self._poll.unregister(descriptor)

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            for descriptor in self._listeners:
                self._poll.register(descriptor, _IN)


class _Dialled(_End):
    """The end that was dialled, and where else to try."""

    __slots__ = ("further",)

    def __init__(self, connection: _socket.socket, further: deque[Address]) -> None:
        super().__init__(connection)
        self.further = further


def close_others(kept: Iterable[int], /) -> None:
    """Close every descriptor but the standard ones and *kept*."""
    wanted = {0, 1, 2, *kept}
    with os.scandir("/proc/self/fd") as found:
        opened = [int(entry.name) for entry in found]
    for descriptor in opened:
        if descriptor not in wanted:
            with suppress(OSError):  # the listing's own
                os.close(descriptor)
