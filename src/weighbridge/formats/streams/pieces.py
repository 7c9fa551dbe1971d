"""Reading content that is had in pieces at any position."""

from collections.abc import Callable


def read_pieces(
    part: Callable[[int], bytes | memoryview], *, size: int, offset: int, length: int
) -> bytes:
    """
    Return the bytes from *offset*, *length* of them or as many as there are.

    Args:
        part: Returns some bytes from a position on, at least one.
        size: Bytes of the content.
        offset: Where to start.
        length: How many bytes at most.

    Raises:
        ValueError: Offset or length is negative.
    """
    if offset < 0 or length < 0:
        raise ValueError("offset and length are not negative")
    out = bytearray()
    stop = min(offset + length, size)
    while offset < stop:
        piece = part(offset)[: stop - offset]
        out += piece
        offset += len(piece)
    return bytes(out)
