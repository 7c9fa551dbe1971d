"""Attempts at the network: other machines, this machine, names."""

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import LIBRARY, SECONDS, Refused, action, talk


@action
def tcp4(where: dict[str, Any]) -> None:
    """Connect by TCP over IPv4."""
    talk(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", where["tcp4"]))


@action
def tcp6(where: dict[str, Any]) -> None:
    """Connect by TCP over IPv6."""
    talk(socket.AF_INET6, socket.SOCK_STREAM, ("::1", where["tcp6"]))


@action
def mptcp(where: dict[str, Any]) -> None:
    """Connect by multipath TCP, which Landlock does not see."""
    talk(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", where["mptcp"]), 262)


@action
def interfaces_by_socket(where: dict[str, Any]) -> None:
    """Ask for the machine's interfaces by a socket of any kind, one of a pair."""
    del where
    names = set()
    one, other = socket.socketpair()
    with one, other:
        for index in range(1, 65):
            with contextlib.suppress(OSError):
                asked = bytes(16) + struct.pack("i", index) + bytes(20)
                names.add(fcntl.ioctl(one, 0x8910, asked)[:16].rstrip(b"\0"))
    if not names - {b"lo"}:
        raise Refused("none but a network's own")


@action
def fast_open(where: dict[str, Any]) -> None:
    """Send with the first packet, without a call to connect."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.sendto(b"escaped", 0x20000000, ("127.0.0.1", where["tcp4"]))


@action
def udp(where: dict[str, Any]) -> None:
    """Send a datagram over IPv4."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"escaped", ("127.0.0.1", where["udp"]))


@action
def dns(where: dict[str, Any]) -> None:
    """Ask a name server that listens on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\7escaped\0\0\1\0\1"
        client.sendto(query, ("127.0.0.1", where["udp"]))


@action
def listen(where: dict[str, Any]) -> None:
    """Accept connections from the machine."""
    del where
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()


@action
def metadata_address(where: dict[str, Any]) -> None:
    """Reach the address at which clouds give out credentials; any answer of the network counts."""
    del where
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(("169.254.169.254", 80))
        except TimeoutError:
            return  # the packet left


@action
def reconnect(where: dict[str, Any]) -> None:
    """Take a socket that listened, loosen it, and connect by it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.settimeout(SECONDS)
        server.bind(("127.0.0.1", where.get("port", 0)))
        server.listen()
        LIBRARY.connect(server.fileno(), ctypes.create_string_buffer(16), 16)
        LIBRARY.shutdown(server.fileno(), 2)
        server.connect(("127.0.0.1", where["tcp4"]))


@action
def loosen_connection(where: dict[str, Any]) -> None:
    """Take a connection that was accepted, loosen it, and connect by it."""
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", where.get("port", 0)))
        server.listen()
        client.settimeout(SECONDS)
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        with accepted:
            LIBRARY.connect(accepted.fileno(), ctypes.create_string_buffer(16), 16)
            accepted.connect(("127.0.0.1", where["tcp4"]))


@action
def fast_open_message(where: dict[str, Any]) -> None:
    """Send a message with the first packet, without a call to connect."""
    with socket.socket() as client:
        client.sendmsg([b"escaped"], [], 0x20000000, ("127.0.0.1", where["tcp4"]))


@action
def fast_open_option(where: dict[str, Any]) -> None:
    """Have the first packet sent when something is written, by an option of the socket."""
    with socket.socket() as client:
        client.setsockopt(socket.IPPROTO_TCP, 30, 1)
        client.connect(("127.0.0.1", where["tcp4"]))
        client.sendall(b"escaped")


@action
def tie_to_device(where: dict[str, Any]) -> None:
    """Connect by a socket that is tied to a network card."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        client.settimeout(SECONDS)
        client.connect(("127.0.0.1", where["tcp4"]))


@action
def listen_unbound(where: dict[str, Any]) -> None:
    """Accept connections at a port that the kernel chooses, at every address."""
    del where
    with socket.socket() as server:
        server.listen()


@action
def share_port(where: dict[str, Any]) -> None:
    """Get a share of the connections to a server of the machine that lets its port be shared."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", where["shared_port"]))
        server.listen()


@action
def foreign_address(where: dict[str, Any]) -> None:
    """Accept connections at an address that is another machine's, and would be this one's."""
    del where
    with socket.socket() as server:
        server.setsockopt(socket.IPPROTO_IP, 15, 1)
        server.bind(("192.0.2.1", 0))
        server.listen()


@action
def convert_socket(where: dict[str, Any]) -> None:
    """Make a socket for TCP one of another kind; what refuses the call refuses it first."""
    del where
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        try:
            client.setsockopt(socket.IPPROTO_TCP, 31, b"smc")
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTCONN}:
                raise


@action
def list_connections(where: dict[str, Any]) -> None:
    """See at which ports of the machine somebody listens."""
    for process in ("self", str(os.getppid())):
        with contextlib.suppress(OSError):
            if f":{where['tcp4']:04X} " in Path(f"/proc/{process}/net/tcp").read_text("utf-8"):
                return
    raise Refused("nothing of it is seen")
