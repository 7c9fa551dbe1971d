"""Unit tests: at which address a program that shares the machine's network may listen."""

import socket
import struct
from collections.abc import Sequence

import pytest

from weighbridge.sandbox.walls.listening import allowed

Place = tuple[int, str | None]


def packed(host: str, port: int) -> bytes:
    """Return an address as the kernel takes it."""
    number = struct.pack("!H", port)
    if ":" in host:
        six = socket.inet_pton(socket.AF_INET6, host)
        return struct.pack("=H", socket.AF_INET6) + number + bytes(4) + six + bytes(4)
    return struct.pack("=H", socket.AF_INET) + number + socket.inet_aton(host) + bytes(8)


def hosts(name: str, host: str, port: int, places: Sequence[Place]) -> list[str]:
    """Return the hosts at which the call may be made."""
    found = []
    for address in allowed(name, packed(host, port), places):
        assert address[2:4] == struct.pack("!H", port)
        six = address[:2] == struct.pack("=H", socket.AF_INET6)
        family, part = (socket.AF_INET6, address[8:24]) if six else (socket.AF_INET, address[4:8])
        found.append(socket.inet_ntop(family, part))
    return found


@pytest.mark.parametrize(
    ("place", "asked", "given"),
    [
        (None, "127.0.0.1", ["127.0.0.1"]),
        (None, "127.9.9.9", ["127.9.9.9"]),
        (None, "::1", ["::1"]),
        (None, "::ffff:127.0.0.1", ["::ffff:127.0.0.1"]),
        (None, "0.0.0.0", ["127.0.0.1"]),
        (None, "::", ["::ffff:127.0.0.1", "::1"]),
        (None, "192.0.2.1", []),
        (None, "2001:db8::1", []),
        (None, "::ffff:192.0.2.1", []),
        (None, "::ffff:0.0.0.0", ["::ffff:127.0.0.1", "::1"]),
        ("192.0.2.1", "192.0.2.1", ["192.0.2.1"]),
        ("192.0.2.1", "192.0.2.2", []),
        ("192.0.2.1", "127.0.0.1", []),
        ("192.0.2.1", "0.0.0.0", ["192.0.2.1"]),
        ("192.0.2.1", "::", ["::ffff:192.0.2.1"]),
        ("2001:db8::1", "::", ["2001:db8::1"]),
        ("2001:db8::1", "0.0.0.0", []),
        ("0.0.0.0", "0.0.0.0", ["0.0.0.0"]),
        ("0.0.0.0", "127.0.0.1", ["127.0.0.1"]),
        ("0.0.0.0", "192.0.2.1", ["192.0.2.1"]),
        ("0.0.0.0", "2001:db8::1", []),
        ("0.0.0.0", "::", ["::ffff:0.0.0.0"]),
        ("::", "::", ["::"]),
        ("::", "2001:db8::1", ["2001:db8::1"]),
        ("::", "0.0.0.0", ["0.0.0.0"]),
    ],
)
def test_a_server_listens_where_the_rule_says(
    place: str | None, asked: str, given: list[str]
) -> None:
    """Where it asks for if that is listed; where it is listed if it asks for everywhere."""
    assert hosts("bind", asked, 8000, [(8000, place)]) == given
    assert hosts("bind", asked, 8001, [(8000, place)]) == []


def test_a_socket_that_listens_elsewhere_is_refused() -> None:
    """What was never bound has a port of the kernel's choice, at every address."""
    places: list[Place] = [(8000, None), (9000, "0.0.0.0")]
    assert hosts("listen", "127.0.0.1", 8000, places) == ["127.0.0.1"]
    assert hosts("listen", "0.0.0.0", 8000, places) == []
    assert hosts("listen", "::", 8000, places) == []
    assert hosts("listen", "0.0.0.0", 9000, places) == ["0.0.0.0"]
    assert hosts("listen", "0.0.0.0", 40000, places) == []


@pytest.mark.parametrize(
    "address",
    [
        *(b"", b"\x02", b"\x02\x00\x1f\x40", packed("127.0.0.1", 8000)[:15]),
        *(packed("::1", 8000)[:27], b"\x00\x00" + packed("127.0.0.1", 8000)[2:]),
        b"\x01\x00/tmp/socket\x00" + bytes(20),
    ],
)
def test_what_is_no_internet_address_is_refused(address: bytes) -> None:
    """Too short ones, those of other families, and none."""
    assert allowed("bind", address, [(8000, None), (0, None)]) == []
