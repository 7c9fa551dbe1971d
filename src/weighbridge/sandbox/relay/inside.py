"""Enter the network of a process, and make there what a relay needs: addresses and listeners."""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
import struct
from contextlib import suppress

from weighbridge.sandbox import kernel

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

_GET_OWNER: Final = 0xB701
"""NS_GET_USERNS: the user namespace that a namespace belongs to."""
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000

_BACKLOG: Final = 128
_ANSWER_BYTES: Final = 4096
_NEW_ADDRESS: Final = 20
"""RTM_NEWADDR, see rtnetlink(7)."""
_FLAGS: Final = 0x1 | 0x4 | 0x100 | 0x400
"""NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE, NLM_F_CREATE."""
_NO_DETECTION: Final = 0x02
"""IFA_F_NODAD: nobody else can have it."""
_ADDRESS, _LOCAL, _ERROR = 1, 2, 2
_LOOPBACK: Final = "lo"


def enter(process: int) -> None:
    """
    Have this thread be in the network of *process*, which is not the one that it is in.

    Raises:
        OSError: It is: the process that was meant has ended. Or the kernel refuses.
    """
    call = kernel.require_number("setns")
    network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if os.path.samestat(os.fstat(network), os.stat("/proc/self/ns/net")):  # noqa: PTH116  see above
        raise OSError(0, "the network inside is gone")
    owner = fcntl.ioctl(network, _GET_OWNER)
    # Root of the machine is no member of it and may go on without; everybody else has to be.
    with suppress(OSError):
        kernel.syscall(call, owner, _NEW_USER)
    kernel.syscall(call, network, _NEW_NETWORK)
    os.close(owner)
    os.close(network)


def listeners(places: Iterable[tuple[str, int]]) -> list[_socket.socket]:
    """
    Return sockets that listen at *places*, addresses that are given to this network's loopback.

    Raises:
        OSError: The kernel refuses.
    """
    made = []
    for address, port in places:
        family = _socket.AF_INET6 if ":" in address else _socket.AF_INET
        packed = _socket.inet_pton(family, address)
        # All of 127.0.0.0/8 is there already.
        if not (family == _socket.AF_INET and packed[0] == 127):  # noqa: PLR2004  see the line above
            _add(family, packed)
        listener = _socket.socket(family, _socket.SOCK_STREAM)
        if family == _socket.AF_INET6:
            listener.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        made.append(listener)
    return made


def _add(family: int, packed: bytes) -> None:
    """Give loopback one more address, which counts as this machine's then."""
    index = _socket.if_nametoindex(_LOOPBACK)
    body = struct.pack("=BBBBI", family, len(packed) * 8, _NO_DETECTION, 0, index)
    for kind in (_LOCAL, _ADDRESS):
        body += struct.pack("=HH", 4 + len(packed), kind) + packed
    message = struct.pack("=IHHII", 16 + len(body), _NEW_ADDRESS, _FLAGS, 1, 0) + body
    kernel_side = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, _socket.NETLINK_ROUTE)
    try:
        kernel_side.send(message)
        answer = kernel_side.recv(_ANSWER_BYTES)
    finally:
        kernel_side.close()
    _, kind, _, _, _, result = struct.unpack_from("=IHHIIi", answer)
    if kind == _ERROR and result not in {0, -errno.EEXIST}:
        raise OSError(-result, os.strerror(-result))
