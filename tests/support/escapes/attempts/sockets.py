"""Attempts at sockets that are no connections of the internet."""

import contextlib
import errno
import socket
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import Refused, action, talk

_CHANGES = tuple(kind for kind in range(16, 124) if kind % 4 != 2)
"""Requests of rtnetlink(7) that make, take away or set, as many as Linux 6.2 knows."""
_REQUEST, _ANSWERED = 1, 4


def _make_any(kinds: Iterable[tuple[int, int, int]]) -> None:
    """Make a socket of one of *kinds*, each a family, a type and a protocol."""
    for each in kinds:
        with contextlib.suppress(OSError):
            socket.socket(*each).close()
            return
    raise Refused("there is none")


@action
def raw_socket(where: dict[str, Any]) -> None:
    """Make a raw socket."""
    del where
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


@action
def packet_socket(where: dict[str, Any]) -> None:
    """Make a socket for whole packets."""
    del where
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()


@action
def netlink(where: dict[str, Any]) -> None:
    """Ask the kernel for its interfaces."""
    del where
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()
    if not socket.if_nameindex():
        raise Refused("it names none")


@action
def other_netlink(where: dict[str, Any]) -> None:
    """Ask other parts of the kernel by netlink: filters, sockets, audits, devices, ciphers."""
    del where
    kinds = (socket.SOCK_RAW, socket.SOCK_DGRAM)
    _make_any((socket.AF_NETLINK, kind, protocol) for protocol in range(1, 32) for kind in kinds)


@action
def change_interfaces(where: dict[str, Any]) -> None:
    """Change the network by netlink, in each way that it has; what refuses it refuses it first."""
    del where
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel_side:
        for kind in _CHANGES:
            # Nothing is said of what to change: who may is told that this is no request.
            kernel_side.send(struct.pack("=IHHIIB3x", 20, kind, _REQUEST | _ANSWERED, 1, 0, 0))
            answer = kernel_side.recv(4096)
            if -struct.unpack_from("=i", answer, 16)[0] != errno.EPERM:
                return
    raise Refused("nothing may be changed")


@action
def watch_interfaces(where: dict[str, Any]) -> None:
    """Be told by netlink of changes of the network."""
    del where
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as told:
        with contextlib.suppress(OSError):
            told.bind((0, 1))
            return
        told.setsockopt(270, 1, 1)


@action
def vsock(where: dict[str, Any]) -> None:
    """Make a socket to the machine's host."""
    del where
    socket.socket(40, socket.SOCK_STREAM).close()


@action
def alg_socket(where: dict[str, Any]) -> None:
    """Make a socket to the kernel's cryptography."""
    del where
    socket.socket(38, socket.SOCK_SEQPACKET).close()


@action
def abstract_socket(where: dict[str, Any]) -> None:
    """Connect to a Unix socket without a place in the file system."""
    talk(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + where["abstract"])


@action
def path_socket(where: dict[str, Any]) -> None:
    """Connect to a Unix socket in a directory, as a container daemon has."""
    talk(socket.AF_UNIX, socket.SOCK_STREAM, where["socket"])


@action
def datagram_by_pair(where: dict[str, Any]) -> None:
    """Send a datagram to a Unix socket, as of a system's log, by one of a pair of sockets."""
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with first, second:
        first.sendto(b"escaped", where["datagram"])


@action
def other_sockets(where: dict[str, Any]) -> None:
    """Make a socket of any other kind there is."""
    del where
    internet = [
        (2, 5, 132),
        (2, 1, 132),
        (2, 1, 256),
        (2, 2, 136),
        (2, 6, 33),
        (2, 2, 1),
        (10, 2, 0),
        (10, 2, 58),
    ]
    others = [
        (family, kind, 0)
        for family in range(1, 46)
        for kind in (2, 3, 5)
        # Some are a program's own, where it gets any, and netlink is attempted by itself.
        if family not in {2, 10, 16} and (family, kind) != (1, 5)
    ]
    _make_any((*internet, *others))


@action
def abstract_name(where: dict[str, Any]) -> None:
    """Be asked at a name without a place in the file system, as which one might be taken."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{where['abstract']}-more")
        server.listen()


@action
def path_socket_by_link(where: dict[str, Any]) -> None:
    """Connect to a Unix socket outside by a link, or another name, in one's own directory."""
    place = Path(tempfile.mkdtemp())
    place.joinpath("link").symlink_to(where["socket"])
    place.joinpath("up").symlink_to(Path(where["socket"]).parent)
    with contextlib.suppress(OSError):
        place.joinpath("same").hardlink_to(where["socket"])
    for name in ("link", f"up/{Path(where['socket']).name}", "same"):
        with contextlib.suppress(OSError):
            talk(socket.AF_UNIX, socket.SOCK_STREAM, str(place / name))
            return
    raise Refused("none leads there")


@action
def socket_outside(where: dict[str, Any]) -> None:
    """Make a Unix socket in a directory outside."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{where['outside']}/made.sock")
