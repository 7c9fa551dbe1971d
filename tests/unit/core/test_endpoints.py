"""Unit tests: what names a place in a network, and what does not."""

import pytest

from weighbridge.core.endpoints import Destination, Listening


@pytest.mark.parametrize(
    ("text", "address", "port", "shown"),
    [
        ("8000", None, 8000, "8000"),
        ("0.0.0.0:80", "0.0.0.0", 80, "0.0.0.0:80"),
        ("[::]:65535", "::", 65535, "[::]:65535"),
        ("[2001:DB8::0001]:1", "2001:db8::1", 1, "[2001:db8::1]:1"),
    ],
)
def test_a_place_to_listen_at_is_a_port_with_or_without_an_address(
    text: str, address: str | None, port: int, shown: str
) -> None:
    """A port alone means loopback, and an address is kept in its canonical form."""
    found = Listening.parse(text)
    assert (found.address, found.port, str(found)) == (address, port, shown)


@pytest.mark.parametrize(
    ("text", "host", "literal", "shown"),
    [
        ("DB.Example.com:5432", "db.example.com", False, "db.example.com:5432"),
        ("db:5432", "db", False, "db:5432"),
        ("xn--bcher-kva.example:5432", "xn--bcher-kva.example", False, None),
        ("10.0.0.5:5432", "10.0.0.5", True, "10.0.0.5:5432"),
        ("127.0.0.1:5432", "127.0.0.1", True, "127.0.0.1:5432"),
        ("169.254.169.254:5432", "169.254.169.254", True, "169.254.169.254:5432"),
        ("[2001:DB8:0::1]:5432", "2001:db8::1", True, "[2001:db8::1]:5432"),
    ],
)
def test_a_destination_is_a_name_or_an_address_with_a_port(
    text: str, host: str, literal: bool, shown: str | None
) -> None:
    """Names are compared without case, addresses in their canonical form."""
    found = Destination.parse(text)
    assert (found.host, found.port, found.literal) == (host, 5432, literal)
    assert str(found) == (shown or text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("db.example.com", "a host and a port"),
        (":80", "a host and a port"),
        ("db:0", "a port from 1"),
        ("db:65536", "a port from 1"),
        ("db:080", "a port from 1"),
        ("db:http", "a port from 1"),
        ("2001:db8::1:443", "brackets"),
        ("[2001:db8::1%eth0]:443", "no IPv6 address"),
        ("[2001:db8::zz]:443", "no IPv6 address"),
        ("[2001:db8::1::]:443", "no IPv6 address"),
        ("[::ffff:10.0.0.5]:443", "write 10.0.0.5"),
        ("0.0.0.0:80", "no address of anybody"),
        ("[::]:80", "no address of anybody"),
        ("255.255.255.255:80", "no address of anybody"),
        ("224.0.0.1:80", "an address of many"),
        ("[ff02::1]:80", "an address of many"),
        ("[fe80::1]:80", "an address of one link"),
        ("127.1:80", "four numbers"),
        ("2130706433:80", "four numbers"),
        ("0x7f.0x1:80", "four numbers"),
        ("10.0.0.256:80", "four numbers"),
        ("localhost:80", "127.0.0.1"),
        ("db.LOCALHOST:80", "127.0.0.1"),
        ("db.example.com.:80", "host name"),
        ("*.example.com:80", "host name"),
        ("-db:80", "host name"),
        ("bücher.example:80", "host name"),
        ("a" * 64 + ".example:80", "host name"),
        (".".join(["abcdefg"] * 32) + ":80", "host name"),
    ],
)
def test_what_could_mean_another_place_is_no_destination(text: str, problem: str) -> None:
    """Whatever system libraries or people could read otherwise is refused, with the reason."""
    with pytest.raises(ValueError, match=problem.replace("[", r"\[")):
        Destination.parse(text)
