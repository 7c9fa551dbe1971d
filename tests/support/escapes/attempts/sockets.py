"""Attempts at sockets that are no connections of the internet."""

import contextlib
import socket
import tempfile
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import Refused, action, talk


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
        if family not in {2, 10} and (family, kind) != (1, 5)  # a program's own, where it gets any
    ]
    for each in (*internet, *others):
        with contextlib.suppress(OSError):
            socket.socket(*each).close()
            return
    raise Refused("there is none")


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
