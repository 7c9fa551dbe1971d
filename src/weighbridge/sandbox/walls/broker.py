"""
Judge and make the calls on sockets that a program asks about; see `unix_sockets`.

The socket is taken out of the program's process and the address out of its memory, so what is made
is what was judged, whatever the program changes meanwhile.
"""

import _socket
import _thread
import ctypes
import errno
import os
import stat
from struct import Struct
from typing import TYPE_CHECKING, Final

from weighbridge.core.limits.sandbox import MAX_WAITING_CONNECTIONS
from weighbridge.sandbox import kernel
from weighbridge.sandbox.numbers import number as number_of
from weighbridge.sandbox.reaching import descriptor_of, read_memory
from weighbridge.sandbox.steps.notices import Listener, Notice
from weighbridge.sandbox.walls.kept_sockets import KeptSockets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.sandbox.walls.unix_sockets import Internet

_OPENAT2: Final = 437

_FAMILY: Final = Struct("=H")
_LENGTH: Final = Struct("=I")
_ADDRESS_BYTES: Final = 110
"""sizeof(struct sockaddr_un); the kernel takes no longer one."""
_LOWER: Final = 0xFFFFFFFF
_LONGEST_ADDRESS: Final = 128
"""sizeof(struct sockaddr_storage): whatever is longer is no address."""

_HOW: Final = Struct("=QQQ")
_BENEATH: Final = 0x01 | 0x02 | 0x04 | 0x08
"""RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH."""

_NETLINK: Final = Struct("=HHII")
"""`struct sockaddr_nl`: the family, nothing, a number of its own, and groups to be told by."""

_INTERNET: Final = (_socket.AF_INET, _socket.AF_INET6)
_KINDS: Final = (_socket.SOCK_STREAM, _socket.SOCK_SEQPACKET)
"""Those that send to whom they are connected to, and to nobody whom a message names."""

_library: Final = ctypes.CDLL(None, use_errno=True)


class Broker:
    """
    Judges and makes the calls that a filter asks about.

    Args:
        descriptor: Of the filter's notices.
        directory: See `Meeting`.
        internet: See `Meeting`.
        keeping: Whether it makes the sockets, and keeps them until they are bound or connected,
            since the kernel or a container does not let it take them.
    """

    def __init__(
        self, descriptor: int, directory: str, internet: "Internet", /, *, keeping: bool = False
    ) -> None:
        self._listener = Listener(descriptor)
        self._directory = directory
        self._internet = internet
        self._place = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        machine = kernel.machine() or ""
        names = ("connect", "bind", "listen", "socket")
        self._names = {number_of(name, machine): name for name in names}
        self._waiting = 0
        self._kept = KeptSockets(self._listener) if keeping else None

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
        given = False
        try:
            if self._kept is not None and self._names[notice.number] == "socket":
                given = self._kept.make(notice)
            else:
                self._make(notice)
            outcome = 0
        except OSError as error:
            outcome = error.errno or errno.EACCES
        finally:
            self._waiting -= 1
            if not given:
                self._listener.answer(notice, outcome)

    def _make(self, notice: Notice) -> None:
        """
        Make the call.

        Raises:
            OSError: It is refused, or failed.
        """
        name = self._names[notice.number]
        number, address, length = notice.arguments[:3]
        length = 0 if name == "listen" else length & _LOWER
        if length > _LONGEST_ADDRESS:
            raise OSError(errno.EINVAL, "the address is too long")
        if name == "listen" and self._kept is not None:
            number &= _LOWER
            # Nothing is made: it does not matter what the number means by now.
            if self._kept.listens(notice.thread, number):
                return
        copy = read_memory(notice.thread, address, length) if length else b""
        taken = descriptor_of if self._kept is None else self._kept.taken
        own = taken(notice.thread, number & _LOWER)
        try:
            # What was read is that thread's, and not of another one that got its number since.
            if len(copy) != length or not self._listener.is_valid(notice):
                raise OSError(errno.EFAULT, "the address cannot be read")
            if name == "listen":
                self._listen(own, address & _LOWER)
            else:
                self._call(name, own, copy)
            if self._kept is not None and name != "bind":
                self._kept.drop(own, listening=name == "listen")
        finally:
            os.close(own)

    def _listen(self, own: int, backlog: int) -> None:
        family, _ = _socket_kind(own)
        if family in _INTERNET and not [*self._internet("listen", _name_of(own))]:
            raise OSError(errno.EACCES, "not allowed")
        if _library.listen(own, backlog):
            raise _error()

    def _call(self, name: str, own: int, address: bytes) -> None:
        family, kind = _socket_kind(own)
        if family in _INTERNET and len(address) > _FAMILY.size:
            _make_first(name, own, self._internet(name, address))
            return
        if family == _socket.AF_NETLINK and name == "bind" and _subscribes_to_nothing(address):
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


def _socket_kind(descriptor: int) -> tuple[int, int]:
    """
    Return the family and the type of a socket.

    Raises:
        OSError: It is none.
    """
    own = _socket.socket(fileno=descriptor)
    try:
        return own.family, own.type
    finally:
        own.detach()


def _subscribes_to_nothing(address: bytes) -> bool:
    return len(address) == _NETLINK.size and not _NETLINK.unpack(address)[-1]


def _make_first(name: str, descriptor: int, addresses: "Iterable[bytes]") -> None:
    """Make the call with the first of *addresses* that works."""
    failure = OSError(errno.EACCES, "not allowed")
    for address in addresses:
        try:
            _make_call(name, descriptor, address)
        except OSError as error:
            failure = error
        else:
            return
    raise failure


def _name_of(descriptor: int) -> bytes:
    """Return the address that a socket has."""
    room = ctypes.create_string_buffer(_LONGEST_ADDRESS)
    length = ctypes.create_string_buffer(_LENGTH.pack(_LONGEST_ADDRESS), _LENGTH.size)
    if _library.getsockname(descriptor, room, length):
        raise _error()
    return room.raw[: _LENGTH.unpack(length.raw)[0]]


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def _make_call(name: str, descriptor: int, address: bytes) -> None:
    call = _library.connect if name == "connect" else _library.bind
    if call(descriptor, ctypes.create_string_buffer(address, len(address)), len(address)):
        raise _error()
