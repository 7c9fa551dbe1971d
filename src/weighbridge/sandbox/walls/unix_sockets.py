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

import _socket
import _thread
import ctypes
import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from struct import Struct
from typing import Final

from weighbridge.core.limits.sandbox import MAX_WAITING_CONNECTIONS
from weighbridge.sandbox import bpf, kernel, landlock
from weighbridge.sandbox.steps.notices import Listener, Notice, listen, read_memory

_CONNECT: Final = {"x86_64": 42, "aarch64": 203}
_BIND: Final = {"x86_64": 49, "aarch64": 200}
_PIDFD_GETFD: Final = 438
_OPENAT2: Final = 437

_FAMILY: Final = Struct("=H")
_NUMBER: Final = Struct("=i")
_QUESTION: Final = Struct("=iiQ")
_YES, _NO, _TRIED = b"y", b"n", b"can this be read"
_ADDRESS_BYTES: Final = 110
"""sizeof(struct sockaddr_un); the kernel takes no longer one."""
_LOWER: Final = 0xFFFFFFFF
_LONGEST_ADDRESS: Final = 128
"""sizeof(struct sockaddr_storage): whatever is longer is no address."""

_HOW: Final = Struct("=QQQ")
_BENEATH: Final = 0x01 | 0x02 | 0x04 | 0x08
"""RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH."""

_INTERNET: Final = (_socket.AF_INET, _socket.AF_INET6)
_KINDS: Final = (_socket.SOCK_STREAM, _socket.SOCK_SEQPACKET)
"""Those that send to whom they are connected to, and to nobody whom a message names."""

_library: Final = ctypes.CDLL(None, use_errno=True)


def asking(architecture: str, /) -> bytes:
    """Return the filter that asks the broker; another one ends calls of other architectures."""
    ask, allow = bpf.result(bpf.ASK), bpf.result(bpf.ALLOW)
    return b"".join(
        [
            bpf.line(bpf.LOAD, bpf.ARCH),
            bpf.line(bpf.EQUAL, bpf.AUDIT_ARCH[architecture], then=1),
            allow,
            bpf.line(bpf.LOAD, bpf.NUMBER),
            bpf.when(_CONNECT[architecture], ask),
            bpf.when(_BIND[architecture], ask),
            allow,
        ]
    )


class Meeting:
    """
    What the program and its broker have in common before they part.

    Args:
        directory: Below which sockets may be made; absolute.
        internet: Says whether a call on an internet socket may be made with an address, by the
            call's name (`bind` or `connect`). The broker makes it, so Landlock does not hold it.

    The order: made, `restrict`, then the process forks; the child calls `ask`, its parent `keep`
    and `serve`.
    """

    def __init__(self, directory: str, internet: Callable[[str, bytes], bool], /) -> None:
        self._directory = directory
        self._internet = internet
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
        with suppress(OSError):
            if machine is not None and self._can_be_answered():
                listener = listen(asking(machine))
        if listener is not None:
            given = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _NUMBER.pack(listener))
            self._there.sendmsg([b"x"], [given])
            os.close(listener)
        self._there.close()
        return listener is not None

    def _can_be_answered(self) -> bool:
        """Have the parent try what its answers take: containers may refuse it, and systems."""
        there = ctypes.create_string_buffer(_TRIED)
        place = ctypes.addressof(there)
        self._there.send(_QUESTION.pack(os.getpid(), self._there.fileno(), place))
        return self._there.recv(1) == _YES

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
        process, number, place = _QUESTION.unpack(question)
        answer = _NO
        with suppress(OSError):
            os.close(_descriptor_of(process, number))
            if read_memory(process, place, len(_TRIED)) == _TRIED:
                answer = _YES
        self._here.send(answer)
        _, given, _, _ = self._here.recvmsg(1, _socket.CMSG_SPACE(_NUMBER.size))
        self._here.close()
        if given:
            (listener,) = _NUMBER.unpack(given[0][2])
            broker = Broker(listener, self._directory, self._internet)
            while broker.take():
                pass


class Broker:
    """
    Judges and makes the calls that a filter asks about.

    Args:
        descriptor: Of the filter's notices.
        directory: See `Meeting`.
        internet: See `Meeting`.
    """

    def __init__(
        self, descriptor: int, directory: str, internet: Callable[[str, bytes], bool], /
    ) -> None:
        self._listener = Listener(descriptor)
        self._directory = directory
        self._internet = internet
        self._place = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._machine = kernel.machine() or ""
        self._waiting = 0

    def take(self) -> bool:
        """Take one notice, and answer it in a thread; return whether there can be more."""
        try:
            notice = self._listener.receive()
        except OSError:
            return False
        if notice is None:
            return True
        # A connection waits until the other side takes it, which may need a call of its own.
        if self._waiting >= MAX_WAITING_CONNECTIONS:
            self._listener.answer(notice, errno.EAGAIN)
            return True
        self._waiting += 1
        try:
            _thread.start_new_thread(self._answer, (notice,))
        except RuntimeError:
            self._waiting -= 1
            self._listener.answer(notice, errno.EAGAIN)
        return True

    def _answer(self, notice: Notice) -> None:
        outcome = errno.EACCES
        try:
            self._make(notice)
            outcome = 0
        except OSError as error:
            outcome = error.errno or errno.EACCES
        finally:
            self._waiting -= 1
            self._listener.answer(notice, outcome)

    def _make(self, notice: Notice) -> None:
        """
        Make the call.

        Raises:
            OSError: It is refused, or failed.
        """
        number, address, length = notice.arguments[:3]
        length &= _LOWER
        if length > _LONGEST_ADDRESS:
            raise OSError(errno.EINVAL, "the address is too long")
        copy = read_memory(notice.thread, address, length)
        own = _descriptor_of(notice.thread, number & _LOWER)
        try:
            # What was read is that thread's, and not of another one that got its number since.
            if len(copy) != length or not self._listener.is_valid(notice):
                raise OSError(errno.EFAULT, "the address cannot be read")
            name = "connect" if notice.number == _CONNECT[self._machine] else "bind"
            self._call(name, own, copy)
        finally:
            os.close(own)

    def _call(self, name: str, own: int, address: bytes) -> None:
        family, kind = _socket_kind(own)
        if family in _INTERNET and self._internet(name, address):
            _make_call(name, own, address)
            return
        if family != _socket.AF_UNIX or kind not in _KINDS or len(address) <= _FAMILY.size:
            raise OSError(errno.EACCES, "not allowed")
        path = self._own_path(address)
        if name == "bind":
            # The path as it was given: it is what the program reads back and tells its others.
            full = os.path.join(os.fsencode(self._directory), path)  # noqa: PTH118  bytes
            _make_call(name, own, _FAMILY.pack(_socket.AF_UNIX) + full + b"\0")
            return
        found = self._found(path)
        try:
            there = f"/proc/self/fd/{found}".encode()
            _make_call(name, own, _FAMILY.pack(_socket.AF_UNIX) + there + b"\0")
        finally:
            os.close(found)

    def _own_path(self, address: bytes) -> bytes:
        """
        Return the path in *address*, relative to the directory.

        Raises:
            OSError: It has none, or leads elsewhere.
        """
        path = address[_FAMILY.size : _ADDRESS_BYTES].partition(b"\0")[0]
        start = os.fsencode(self._directory) + b"/"
        (family,) = _FAMILY.unpack_from(address)
        parts = path[len(start) :].split(b"/")
        if family != _socket.AF_UNIX or not path.startswith(start) or {b"", b".", b".."} & {*parts}:
            raise OSError(errno.EACCES, "not in the program's own directory")
        return path[len(start) :]

    def _found(self, path: bytes) -> int:
        """
        Return a descriptor of the socket at *path*.

        Raises:
            OSError: There is none.
        """
        how = _HOW.pack(os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, 0, _BENEATH)
        found = kernel.syscall(
            _OPENAT2,
            self._place,
            ctypes.create_string_buffer(path),
            ctypes.create_string_buffer(how, len(how)),
            len(how),
        )
        if not stat.S_ISSOCK(os.fstat(found).st_mode):
            os.close(found)
            raise OSError(errno.ECONNREFUSED, "it is no socket")
        return found


def _descriptor_of(thread: int, number: int) -> int:
    """
    Return a descriptor here of the file that *number* is there.

    Raises:
        OSError: There is none, or it cannot be had.
    """
    process = os.pidfd_open(_process_of(thread))
    try:
        own = kernel.syscall(_PIDFD_GETFD, process, number, 0)
    finally:
        os.close(process)
    return own


def _process_of(thread: int) -> int:
    with open(f"/proc/{thread}/status", "rb") as file:  # noqa: PTH123  as little as possible
        for line in file:
            if line.startswith(b"Tgid:"):
                return int(line.split()[1])
    raise OSError(errno.ESRCH, "it has ended")


def _socket_kind(descriptor: int) -> tuple[int, int]:
    """
    Return the family and the type of a socket.

    Raises:
        OSError: It is none.
    """
    own = _socket.socket(fileno=os.dup(descriptor))
    try:
        return own.family, own.type
    finally:
        own.close()


def _make_call(name: str, descriptor: int, address: bytes) -> None:
    call = _library.connect if name == "connect" else _library.bind
    if call(descriptor, ctypes.create_string_buffer(address, len(address)), len(address)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
