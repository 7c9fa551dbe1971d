"""
Tables of names in a CRFsuite model (`cqdb.c`), by name and by number.

CRFsuite follows every offset in such a table and goes round a hash table until it meets an empty
place, so all of them are followed here as well.
"""

import struct
from array import array
from collections.abc import Callable
from typing import Final

from weighbridge.formats.crfsuite.numbers import numbers_in, refuse

_HEAD: Final = struct.Struct("<4s5I")
_BYTE_ORDER: Final = 0x62445371
_TABLES: Final = 256
_PAIR: Final = struct.Struct("<II")
_BUCKET_BYTES: Final = 8
_NUMBER_BYTES: Final = 4
_AT_ONCE: Final = 4096
"""Names that are read before asking whether to go on."""


def check_names(chunk: bytes, *, count: int, between: Callable[[], None]) -> None:
    """
    Hold a table of names, with its tag and its size in front, against itself.

    There are *count* names, with the numbers from 0 on. Each is found under its number and ends
    within *chunk*; what is found by a hash is one of them; every search comes to an end.

    Raises:
        MalformedContentError: The table does not fit.
    """
    if len(chunk) < _HEAD.size + _TABLES * _PAIR.size:
        refuse(f"a CQDB with {_TABLES} tables", f"{len(chunk)} bytes")
    _, _, _, order, number, at = _HEAD.unpack_from(chunk)
    if order != _BYTE_ORDER:
        refuse("the mark of a CQDB's byte order", hex(order))
    if number != count or at < _HEAD.size or at + number * _NUMBER_BYTES > len(chunk):
        refuse(f"a list of {count} names within {len(chunk)} bytes", f"{number} at {at}")
    places = numbers_in(chunk[at : at + number * _NUMBER_BYTES])
    _check_records(chunk, places, between)
    _check_tables(chunk, frozenset(places), between)


def _check_records(chunk: bytes, places: "array[int]", between: Callable[[], None]) -> None:
    """Each name has its number and its length in front, and a zero at its end."""
    last = len(chunk) - _PAIR.size
    for name, place in enumerate(places):
        if not name % _AT_ONCE:
            between()
        if not _HEAD.size <= place <= last:
            refuse(f"a name within {len(chunk)} bytes", f"one at {place}")
        own, length = _PAIR.unpack_from(chunk, place)
        end = place + _PAIR.size + length
        if own != name or not length or end > len(chunk) or chunk[end - 1]:
            refuse(f"name {name} at {place}, with a zero at its end", f"{own} of {length} bytes")


def _check_tables(chunk: bytes, places: frozenset[int], between: Callable[[], None]) -> None:
    """Buckets lead to names or are empty, and each table has an empty one."""
    found = 0
    pairs = chunk[_HEAD.size : _HEAD.size + _TABLES * _PAIR.size]
    for where, buckets in _PAIR.iter_unpack(pairs):
        between()
        if bool(where) != bool(buckets) or where + buckets * _BUCKET_BYTES > len(chunk):
            refuse(f"a table within {len(chunk)} bytes", f"{buckets} buckets at {where}")
        targets = numbers_in(chunk[where : where + buckets * _BUCKET_BYTES])[1::2]
        used = frozenset(targets)
        if not used - {0} <= places or (buckets and 0 not in used):
            refuse("buckets of the listed names and an empty one", f"others, at {where}")
        found += buckets // 2
    if found != len(places):
        # CRFsuite reads as many numbers as half of the buckets, and then as many as are listed.
        refuse(f"two buckets for each of {len(places)} names", f"{found} names' buckets")
