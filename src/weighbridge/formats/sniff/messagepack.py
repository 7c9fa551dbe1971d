"""Tell MessagePack, which has no magic number, by its first values."""

from collections.abc import Iterator
from typing import Final

from weighbridge.formats.sniff.window import OutOfReadsError, Window

_MOST: Final = 256
"""Values that are looked at."""
_LEAST: Final = 3
_KEY_BYTES: Final = 1024
_EMPTY: Final = (0x80, 0x90)
"""A map and an array without anything, each the whole of a file of spaCy."""
_EXTENSION_OPCODES: Final = b"\x82\x83\x84"
_SIZES: Final = {
    0xC0: 0, 0xC2: 0, 0xC3: 0,
    0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
    0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
_LENGTHS: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4}
_TEXTS: Final = frozenset({0xD9, 0xDA, 0xDB})
_BINARY: Final = frozenset({0xC4, 0xC5, 0xC6})
_HOLDERS: Final = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


class _NotMessagePackError(Exception):
    """The bytes are no such file."""


def is_msgpack(window: Window) -> bool:
    """
    Tell whether the file is one map or array of MessagePack, as models and parts of them are.

    Every value up to the end of the file, or to that of what may be looked at, has to be one, keys
    are texts or integers, and the map or array has to end with the file.
    """
    first = window.head[0]
    if window.size == 1:
        return first in _EMPTY
    if not 0x80 < first < 0xA0 and first not in _HOLDERS:  # noqa: PLR2004  small maps and arrays
        return False
    window.refill()
    try:
        return _holds(window)
    except _NotMessagePackError:
        return False
    except OutOfReadsError:
        return True


def is_map_and_no_pickle(window: Window) -> bool:
    """
    Tell whether a file that could be a pickle is a map of MessagePack.

    Such a pickle would begin with a look-up in a registry that is empty unless a program fills
    it, and fail there.
    """
    first, second = window.head[0], window.head[1:2]
    return first in _EXTENSION_OPCODES and any(map(_is_text, second)) and is_msgpack(window)


def _holds(window: Window) -> bool:
    """Walk the first values."""
    left: list[list[int]] = []
    texts = 0
    for number, (head, at) in enumerate(_heads(window)):
        tag, holds, pairs = head
        texts += _is_text(tag)
        if left and left[-1][1] and left[-1][0] % 2 == 0 and not _is_key(tag):
            raise _NotMessagePackError
        if holds:
            left.append([holds * (2 if pairs else 1), int(pairs)])
        else:
            while left:
                left[-1][0] -= 1
                if left[-1][0]:
                    break
                left.pop()
            if not left:
                return at == window.size and number >= _LEAST - 1
        if number >= _MOST:
            return texts > 0
    return False


def _is_key(tag: int) -> bool:
    """Tell whether a value may be the key of a map: a text, bytes, or an integer."""
    return _is_text(tag) or tag < 0x80 or tag >= 0xE0 or 0xCC <= tag <= 0xD3  # noqa: PLR2004  integers


def _is_text(tag: int) -> bool:
    """Tell whether a value is a text, or bytes as msgpack-numpy has them for keys."""
    return 0xA0 <= tag < 0xC0 or tag in _TEXTS or tag in _BINARY  # noqa: PLR2004  short texts


def _heads(window: Window) -> Iterator[tuple[tuple[int, int, bool], int]]:
    """Yield each value's tag, how many values it holds and whether in pairs; and where it ends."""
    at = 0
    while at < window.size:
        tag = window.get(at, 1)[0]
        at += 1
        holds, pairs = 0, False
        if 0x80 <= tag < 0xA0:  # noqa: PLR2004  small maps and arrays
            holds, pairs = tag & 15, tag < 0x90  # noqa: PLR2004  maps
        elif 0xA0 <= tag < 0xC0:  # noqa: PLR2004  short texts
            _require_text(window.get(at, tag & 31))
            at += tag & 31
        elif tag in _SIZES:
            at += _SIZES[tag]
        elif tag in _LENGTHS:
            width = _LENGTHS[tag]
            length = _number(window, at, width)
            at += width + (tag in (0xC7, 0xC8, 0xC9))
            if tag in _TEXTS:
                _require_text(window.get(at, min(length, _KEY_BYTES)), cut=length > _KEY_BYTES)
            at += length
        elif tag in _HOLDERS:
            width, per = _HOLDERS[tag]
            holds, pairs = _number(window, at, width), per > 1
            at += width
        elif 0x80 <= tag < 0xE0:  # noqa: PLR2004  no value
            raise _NotMessagePackError
        if at > window.size or holds > window.size:
            raise _NotMessagePackError
        yield (tag, holds, pairs), at


def _number(window: Window, at: int, width: int) -> int:
    data = window.get(at, width)
    if len(data) < width:
        raise _NotMessagePackError
    return int.from_bytes(data, "big")


def _require_text(data: bytes, *, cut: bool = False) -> None:
    """Return where *data* is UTF-8, but for a character that is cut at its end."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if not cut or error.reason != "unexpected end of data":
            raise _NotMessagePackError from error
