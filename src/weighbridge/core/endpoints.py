"""Places in a network: where a confined program can be asked, and whom it may ask."""

import re
from typing import Final, Self

from weighbridge.core.values import frozen

LAST_PORT: Final = 65_535
_NAME_CHARS: Final = 253
"""RFC 1035, 2.3.4, as text without the last dot."""
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_BRACKETED: Final = re.compile(r"\[(.*)\]")


@frozen
class Listening:
    """
    A TCP port at which a program can be asked.

    Attributes:
        port: Its number, outside and inside.
        address: The machine's address that is meant, in the form of RFC 5952; None for loopback of
            either version of IP.
    """

    port: int
    address: str | None = None

    def __str__(self) -> str:
        return str(self.port) if self.address is None else _joined(self.address, self.port)

    @classmethod
    def parse(cls, text: str, /) -> Self:
        """
        Read `PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.

        Raises:
            ValueError: It is none of them; says what is wrong.
        """
        if _PORT.fullmatch(text):
            return cls(port=_port(text))
        host, port = _split(text)
        address = _address(host)
        if address is None:
            raise ValueError("needs an address of this machine, and no name")
        return cls(port=port, address=address)


@frozen
class Destination:
    """
    A TCP port that a program may connect to.

    Attributes:
        host: A name in lower case, or an address in the form of RFC 5952.
        port: Its number.
        literal: Whether the host is an address.
    """

    host: str
    port: int
    literal: bool

    def __str__(self) -> str:
        return _joined(self.host, self.port) if self.literal else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, /) -> Self:
        """
        Read `NAME:PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.

        Raises:
            ValueError: It is none of them; says what is wrong.
        """
        host, port = _split(text)
        address = _address(host)
        if address is None:
            return cls(host=_name(host), port=port, literal=False)
        if address in {"0.0.0.0", "::", "255.255.255.255"}:  # noqa: S104  refused here
            raise ValueError("is no address of anybody")
        return cls(host=address, port=port, literal=True)


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _split(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError("needs a host and a port, such as db.example.com:5432")
    return host, _port(port)


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or int(text) > LAST_PORT:
        raise ValueError(f"needs a port from 1 to {LAST_PORT}")
    return int(text)


def _address(host: str) -> str | None:
    """Return the address that *host* is, or None for what has to be a name."""
    # Imported here: few policies have one.
    import ipaddress  # noqa: PLC0415

    bracketed = _BRACKETED.fullmatch(host)
    if bracketed:
        try:
            six = ipaddress.IPv6Address(bracketed[1])
            if six.scope_id is not None:
                raise ValueError("a zone")  # noqa: TRY301  as other text that is no address
        except ValueError:
            raise ValueError("has no IPv6 address in its brackets") from None
        if six.is_link_local:
            raise ValueError("is an address of one link, which says nothing without that")
        if six.ipv4_mapped is not None:
            raise ValueError(f"is an IPv4 address: write {six.ipv4_mapped}")
        found: ipaddress.IPv4Address | ipaddress.IPv6Address = six
    elif ":" in host:
        raise ValueError("needs brackets around its IPv6 address: [2001:db8::1]:443")
    else:
        try:
            found = ipaddress.IPv4Address(host)
        except ValueError:
            return None
    if found.is_multicast:
        raise ValueError("is an address of many")
    return str(found)


def _name(host: str) -> str:
    """Return the canonical form of a host name."""
    name = host.lower()
    labels = name.split(".")
    if len(name) > _NAME_CHARS or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("needs a host name of letters, digits, hyphens and dots, or an address")
    # System libraries take 127.1, 0x7f.1 and 2130706433 for addresses.
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError("needs an address of four numbers, or a name that does not end in one")
    if labels[-1] == "localhost":
        raise ValueError("needs 127.0.0.1 or [::1], and not the name of loopback")
    return name
