"""
Carry connections to a port outside into a network namespace, and nothing out of it.

The relay listens outside, on loopback, and connects inside; so programs in an empty network can be
asked, and cannot ask. It is a process of its own that the program can neither see nor reach. Run by
a fresh interpreter: the first argument is a process inside, the others are pairs of a descriptor
that listens and the port inside.
"""

import contextlib
import fcntl
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Final

from weighbridge.sandbox import kernel

_SETNS: Final = {"x86_64": 308, "aarch64": 268}
_GET_OWNER: Final = 0xB701
"""NS_GET_USERNS: the user namespace that a namespace belongs to."""

_CHUNK: Final = 1 << 18
_MOST: Final = 1024
"""Connections at a time; further ones wait in the kernel's queue."""

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def main(arguments: Sequence[str]) -> None:
    """Enter the network of the process that is named, and carry until killed."""
    first, *rest = map(int, arguments)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _enter(first)
    listeners = [
        (socket.socket(fileno=descriptor), port)
        for descriptor, port in zip(rest[::2], rest[1::2], strict=True)
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    _Relay(listeners).run()


def _enter(process: int) -> None:
    name = kernel.machine()
    if name is None:
        raise OSError(0, "the system calls of this architecture are not known")
    network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    owner = fcntl.ioctl(network, _GET_OWNER)
    # Root of the machine is no member of it and may go on without; everybody else has to be.
    with contextlib.suppress(OSError):
        kernel.syscall(_SETNS[name], owner, 0)
    kernel.syscall(_SETNS[name], network, 0)
    os.close(owner)
    os.close(network)


class _End:
    """One end of a connection: what waits to be sent to it, and whether more will come."""

    __slots__ = ("closed", "closing", "other", "socket", "waiting")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.waiting = b""
        self.closing = False
        self.closed = False
        self.other = self


class _Relay:
    """All connections, in one thread."""

    def __init__(self, listeners: Sequence[tuple[socket.socket, int]]) -> None:
        self._selector = selectors.DefaultSelector()
        self._open = 0
        self._listeners = listeners
        for listener, port in listeners:
            listener.setblocking(False)
            self._selector.register(listener, _READ, port)
        self._accepting = True

    def run(self) -> None:
        while True:
            for key, events in self._selector.select():
                if isinstance(key.data, _End):
                    self._carry(key.data, events)
                else:
                    self._accept(key.fileobj, key.data)

    def _accept(self, listener: object, port: int) -> None:
        assert isinstance(listener, socket.socket)
        try:
            outside, _ = listener.accept()
        except OSError:
            return  # whoever called has hung up
        inside = socket.socket()
        try:
            # Within one machine: the answer, also that nobody listens, is there at once.
            inside.connect(("127.0.0.1", port))
        except OSError:
            inside.close()
            outside.close()
            return
        ends = _End(outside), _End(inside)
        for end, other in (ends, ends[::-1]):
            end.other = other
            end.socket.setblocking(False)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end.socket, _READ, end)
        self._open += 1
        self._heed()

    def _carry(self, end: _End, events: int) -> None:
        if end.closed:
            return
        try:
            if events & _WRITE:
                self._send(end)
            if events & _READ and not end.other.waiting:
                self._receive(end)
        except BlockingIOError:
            return
        except OSError:
            self._close(end)

    def _receive(self, end: _End) -> None:
        data = end.socket.recv(_CHUNK)
        if data:
            end.other.waiting = data
        else:
            end.other.closing = True
        self._send(end.other)
        self._watch(end)

    def _send(self, end: _End) -> None:
        if end.waiting:
            with contextlib.suppress(BlockingIOError):
                sent = end.socket.send(end.waiting)
                end.waiting = end.waiting[sent:]
        if not end.waiting and end.closing:
            with contextlib.suppress(OSError):
                end.socket.shutdown(socket.SHUT_WR)
            if end.other.closing:
                self._close(end)
                return
        self._watch(end)
        self._watch(end.other)

    def _watch(self, end: _End) -> None:
        """Wait for what can be done: read while the other end keeps up, write what waits."""
        if end.closed:
            return
        wanted = 0 if end.other.waiting or end.other.closing else _READ
        if end.waiting:
            wanted |= _WRITE
        known = end.socket.fileno() in self._selector.get_map()
        if wanted and known:
            self._selector.modify(end.socket, wanted, end)
        elif wanted:
            self._selector.register(end.socket, wanted, end)
        elif known:
            self._selector.unregister(end.socket)

    def _close(self, end: _End) -> None:
        for each in (end, end.other):
            if each.closed:
                continue
            each.closed = True
            with contextlib.suppress(KeyError):
                self._selector.unregister(each.socket)
            each.socket.close()
        self._open -= 1
        self._heed()

    def _heed(self) -> None:
        """Stop accepting while there are too many connections."""
        accepting = self._open < _MOST
        if accepting == self._accepting:
            return
        self._accepting = accepting
        for listener, port in self._listeners:
            if accepting:
                self._selector.register(listener, _READ, port)
            else:
                self._selector.unregister(listener)
