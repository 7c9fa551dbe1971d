"""
Unix sockets between the processes of a program, and to nobody else.

Processes of one program meet at such sockets: workers that load data, servers and their engines.
By the same calls a program reaches daemons of the machine, and no filter can look at an address in
memory. So the filter asks a broker outside the walls, which copies the address, judges the copy,
and makes the call itself, on the program's socket: what is changed meanwhile changes nothing.

- A socket is bound below one directory, the program's own temporary one. The broker has given up
  making sockets anywhere else (Landlock), so links and renamed directories lead nowhere.
- A connection goes to a socket that is found below that directory without following a link.
- Names without a place in the file system (abstract ones) are refused.

See seccomp_unotify(2), unix(7).
"""

from __future__ import annotations

import _socket
import _thread
import ctypes
import os
from struct import Struct

from weighbridge.sandbox import bpf, kernel, landlock
from weighbridge.sandbox.install import listen
from weighbridge.sandbox.numbers import number
from weighbridge.sandbox.reaching import descriptor_of, read_memory

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

    Internet = Callable[[str, bytes], Iterable[bytes]]

NUMBER: Final = Struct("=i")
_QUESTION: Final = Struct("=iiQ")
_TAKING, _KEEPING, _NO = b"t", b"k", b"n"
"""How the broker has a program's sockets: it takes them, has kept them from the start, or not."""
_TRIED: Final = b"can this be read"


def asking(architecture: str, /, *, listening: bool = False, making: bool = False) -> bytes:
    """
    Return the filter that asks the broker; another one ends calls of other architectures.

    With *listening* it asks about `listen` too: a socket that was not bound gets any port by that.
    With *making* it has the broker make the sockets: where it may not take them out of a process.
    """
    ask, allow = bpf.result(bpf.ASK), bpf.result(bpf.ALLOW)
    asked = ["connect", "bind"] + ["listen"] * listening + ["socket"] * making
    return b"".join(
        [
            bpf.line(bpf.LOAD, bpf.ARCH),
            bpf.line(bpf.EQUAL, bpf.AUDIT_ARCH[architecture], then=1),
            allow,
            bpf.line(bpf.LOAD, bpf.NUMBER),
            *(bpf.when(number(name, architecture), ask) for name in asked),
            allow,
        ]
    )


class Meeting:
    """
    What the program and its broker have in common before they part.

    Args:
        directory: Below which sockets may be made; absolute.
        internet: Returns with which addresses a call on an internet socket may be made that the
            program wants to make with one: `connect` or `bind`, or `listen` with the address that
            the socket has. The broker makes the call, with the first address that works, so
            Landlock does not hold it.
        listening: Whether the broker is asked about `listen`.

    The order: made, `restrict`, then the process forks; the child calls `ask`, its parent `keep`
    and `serve`.
    """

    def __init__(self, directory: str, internet: Internet, /, *, listening: bool = False) -> None:
        self._directory = directory
        self._internet = internet
        self._listening = listening
        self._here, self._there = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)

    def restrict(self) -> None:
        """
        Give up making sockets elsewhere, for this process and all that it starts.

        `PR_SET_NO_NEW_PRIVS` has to be set before.

        Raises:
            OSError: The kernel refuses.
        """
        landlock.restrict_sockets(self._directory)

    def ask(self) -> bool:
        """
        Have this process and all that it starts ask; return whether that works here.

        Where it does not, the caller has to refuse Unix sockets altogether.
        """
        machine = kernel.machine()
        self._here.close()
        listener = None
        # Not with an older kernel, nor where a filter is around that asks somebody else.
        try:
            how = _NO if machine is None else self._answerable()
            if machine is not None and how != _NO:
                making = how == _KEEPING
                listener = listen(asking(machine, listening=self._listening, making=making))
        except OSError:
            listener = None
        if listener is not None:
            given = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, NUMBER.pack(listener))
            self._there.sendmsg([b"x"], [given])
            os.close(listener)
        self._there.close()
        return listener is not None

    def _answerable(self) -> bytes:
        """Have the parent try what its answers take: containers may refuse it, and systems."""
        there = ctypes.create_string_buffer(_TRIED)
        place = ctypes.addressof(there)
        self._there.send(_QUESTION.pack(os.getpid(), self._there.fileno(), place))
        return self._there.recv(1) or _NO

    def keep(self) -> int:
        """Return the descriptor that has to stay open for `serve`, in the parent."""
        self._there.close()
        return self._here.fileno()

    def serve(self) -> None:
        """Answer in threads of this process, as long as it lives; returns at once."""
        _thread.start_new_thread(self._serve, ())

    def _serve(self) -> None:
        question = self._here.recv(_QUESTION.size)
        if len(question) != _QUESTION.size:
            return  # it does not ask
        process, descriptor, place = _QUESTION.unpack(question)
        how = _how(process, descriptor, place)
        self._here.send(how)
        _, given, _, _ = self._here.recvmsg(1, _socket.CMSG_SPACE(NUMBER.size))
        self._here.close()
        if given:
            # Imported here: the program starts meanwhile.
            from weighbridge.sandbox.walls.broker import Broker  # noqa: PLC0415  see above

            (listener,) = NUMBER.unpack(given[0][2])
            keeping = how == _KEEPING
            broker = Broker(listener, self._directory, self._internet, keeping=keeping)
            while broker.take():
                pass


def _how(process: int, descriptor: int, place: int) -> bytes:
    """Return how sockets of *process* can be had here, by trying it with one of its descriptors."""
    try:
        if read_memory(process, place, len(_TRIED)) != _TRIED:
            return _NO
        os.stat(f"/proc/{process}/fd/{descriptor}")  # noqa: PTH116  as little as possible
    except OSError:
        return _NO
    try:
        os.close(descriptor_of(process, descriptor))
    except OSError:
        return _KEEPING
    return _TAKING
