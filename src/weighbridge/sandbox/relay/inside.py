"""Enter the network of a process, and make there what a relay needs: addresses and listeners."""

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from weighbridge.sandbox import kernel

_SETNS: Final = {"x86_64": 308, "aarch64": 268}
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
    Have this thread be in the network of *process*.

    Raises:
        OSError: The kernel refuses.
    """
    name = kernel.machine()
    if name is None:
        raise OSError(0, "the system calls of this architecture are not known")
    network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    owner = fcntl.ioctl(network, _GET_OWNER)
    # Root of the machine is no member of it and may go on without; everybody else has to be.
    with suppress(OSError):
        kernel.syscall(_SETNS[name], owner, _NEW_USER)
    kernel.syscall(_SETNS[name], network, _NEW_NETWORK)
    os.close(owner)
    os.close(network)


def listeners(places: Iterable[tuple[str, int]]) -> list[socket.socket]:
    """
    Return sockets that listen at *places*, addresses that are given to this network's loopback.

    Raises:
        OSError: The kernel refuses.
    """
    made = []
    for address, port in places:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        packed = socket.inet_pton(family, address)
        # All of 127.0.0.0/8 is there already.
        if not (family == socket.AF_INET and packed[0] == 127):  # noqa: PLR2004  see the line above
            _add(family, packed)
        listener = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        made.append(listener)
    return made


def _add(family: int, packed: bytes) -> None:
    """Give loopback one more address, which counts as this machine's then."""
    index = socket.if_nametoindex(_LOOPBACK)
    body = struct.pack("=BBBBI", family, len(packed) * 8, _NO_DETECTION, 0, index)
    for kind in (_LOCAL, _ADDRESS):
        body += struct.pack("=HH", 4 + len(packed), kind) + packed
    message = struct.pack("=IHHII", 16 + len(body), _NEW_ADDRESS, _FLAGS, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel_side:
        kernel_side.send(message)
        answer = kernel_side.recv(_ANSWER_BYTES)
    _, kind, _, _, _, result = struct.unpack_from("=IHHIIi", answer)
    if kind == _ERROR and result not in {0, -errno.EEXIST}:
        raise OSError(-result, os.strerror(-result))
