"""R serializations, big-endian, of version 2."""

import struct


def item(flags: int) -> bytes:
    """Return the flags that an item begins with."""
    return struct.pack(">i", flags)


def characters(text: str) -> bytes:
    """Return a string as an item."""
    return item(9 | 0x40000) + struct.pack(">i", len(text)) + text.encode()


def symbol(name: str) -> bytes:
    """Return a symbol that is met for the first time."""
    return item(1) + characters(name)


def call(name: str, argument: bytes) -> bytes:
    """Return a call of the function *name* with one argument."""
    return item(6) + symbol(name) + item(2) + argument + item(254)


def file_of(body: bytes) -> bytes:
    """Return the file that holds *body*."""
    return b"X\n" + struct.pack(">iii", 2, 0x40000, 0x20300) + body
