"""Attempts at the network: other machines, this machine, names."""

import contextlib
import ctypes
import errno
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
