"""Which addresses are those of the public network, and which of them are this machine's."""

import ipaddress
import socket
from typing import Final

_NOT_PUBLIC_4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        "168.63.129.16/32",  # Azure's own services, reachable from each of its machines
    )
)
"""IANA's registry of special addresses (RFC 6890), groups and what is reserved."""

_PUBLIC_6: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 seen through a translator (RFC 6052)."""


def is_public(text: str, /) -> bool:
    """Tell whether the address *text* is one of the public network, and of one machine."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    if address in _TRANSLATED:
        return is_public(str(ipaddress.IPv4Address(address.packed[-4:])))
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_own(text: str, /) -> bool:
    """Tell whether the address *text* is one of this machine; nothing is sent to find out."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            # Who is asked by an address of its own is asked from that very address.
            asking.connect((text, 9))
            return bool(asking.getsockname()[0] == text)
        except OSError:
            return False  # no way leads there
