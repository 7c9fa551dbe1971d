"""
At which addresses a program may listen that is in the network of the machine.

Landlock knows ports and no addresses. So calls to `bind` and `listen` are asked about (`broker`),
and a server that wants to listen everywhere, as most do by default, listens where the rule says.
"""

from __future__ import annotations

import _socket
from struct import Struct

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_FOUR: Final = Struct("=H2s4s8x")
_SIX: Final = Struct("=H2s4x16s4s")
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""Before an address of IPv4 in one of IPv6."""
_LOOPBACK_NET: Final = 127
_LOOPBACK: Final = ("127.0.0.1", "::1")


def allowed(name: str, address: bytes, places: Sequence[Sequence[object]], /) -> list[bytes]:
    """
    Return with which addresses a call may be made, in the order to be tried.

    Args:
        name: `bind`, or `listen` with the address that the socket has.
        address: As the kernel takes it (`struct sockaddr_in`, `sockaddr_in6`).
        places: Pairs of a port and an address; None for loopback.
    """
    found = _read(address)
    if found is None:
        return []
    family, port, host = found
    here = [text for number, text in places if number == port]
    if any(_within(host, text) for text in here):
        return [address]
    if name != "bind" or any(host):
        return []
    listed = [each for text in here for each in ([text] if text is not None else _LOOPBACK)]
    made = (_write(family, port, str(each)) for each in listed)
    return [each for each in made if each is not None]


def _read(address: bytes) -> tuple[int, int, bytes] | None:
    """Return family, port and host; an address of IPv4 in one of IPv6 as the former."""
    family = int.from_bytes(address[:2], "little")
    if family == _socket.AF_INET and len(address) >= _FOUR.size:
        _, port, host = _FOUR.unpack_from(address)
    elif family == _socket.AF_INET6 and len(address) >= _SIX.size:
        _, port, host, _ = _SIX.unpack_from(address)
        host = host.removeprefix(_MAPPED)
    else:
        return None
    return family, int.from_bytes(port, "big"), host


def _within(host: bytes, text: object) -> bool:
    """Tell whether listening at *host* is listening at the place *text*, or at a part of it."""
    if text is None:
        return host == _packed("::1") or (len(host) == len(b"four") and host[0] == _LOOPBACK_NET)
    place = _packed(str(text))
    # All of IPv6 is all of IPv4 as well, unless a socket says otherwise.
    return host == place or (not any(place) and len(host) <= len(place))


def _packed(text: str) -> bytes:
    return _socket.inet_pton(_socket.AF_INET6 if ":" in text else _socket.AF_INET, text)


def _write(family: int, port: int, text: str) -> bytes | None:
    """Return the address for a socket of *family*; None where it cannot have that."""
    host, number = _packed(text), port.to_bytes(2, "big")
    if family == _socket.AF_INET6:
        six = host if ":" in text else _MAPPED + host
        return _SIX.pack(family, number, six, bytes(4))
    return None if ":" in text else _FOUR.pack(family, number, host)
