"""
Models of THULAC (`cb_model.h`, `dat.h`): a table of weights, and a trie as a double array.

Neither file has a mark. A table of weights says how many labels and features there are, which
gives its size to the byte. A trie is nothing but pairs of a base and a check, which are numbers of
other pairs, negative where a pair is free; readers go from one to the next, so all are held against
the file.
"""

import re
from array import array
from collections.abc import Callable
from typing import Final, NoReturn

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import MalformedContentError

_TRIE_NAME: Final = re.compile(r"\w+_dat\.bin")
_WEIGHTS_NAME: Final = re.compile(r"\w+_model\.bin")
_PAIR: Final = 8
_COUNTS: Final = 8
_NUMBER: Final = 4
_ROOT: Final = bytes(_PAIR)
_MOST_LABELS: Final = 1024
_AT_ONCE: Final = 256 * 1024


def is_thulac(head: bytes, size: int, name: str) -> bool:
    """Tell whether a file of *size* bytes that starts with *head* is of such a model, by *name*."""
    if _TRIE_NAME.fullmatch(name):
        pairs = size // _PAIR
        some = head[: len(head) // _PAIR * _PAIR]
        return size % _PAIR == 0 and head.startswith(_ROOT) and _is_within(some, pairs)
    return _WEIGHTS_NAME.fullmatch(name) is not None and _is_table(head[:_COUNTS], size)


def check_thulac(source: ByteSource, *, between: Callable[[], None]) -> None:
    """
    Hold the counts of a table, or every number of a trie, against the file.

    *between* is called again and again while a trie is read; what it raises goes through.

    Raises:
        MalformedContentError: They do not fit.
    """
    head = source.read_at(0, _COUNTS)
    if head != _ROOT:
        if not _is_table(head, source.size):
            _refuse("counts that give the size of the file", f"{head.hex()}, {source.size} bytes")
        return
    if source.size % _PAIR:
        _refuse("whole pairs of numbers", f"{source.size} bytes")
    pairs = source.size // _PAIR
    for at in range(0, source.size, _AT_ONCE):
        between()
        data = source.read_at(at, min(_AT_ONCE, source.size - at))
        if len(data) % _PAIR or not _is_within(data, pairs):
            _refuse(f"numbers of {pairs} pairs", f"others behind byte {at}")


def _is_table(head: bytes, size: int) -> bool:
    """Tell whether the counts of labels and of features give the *size* of the file."""
    labels, features = (int.from_bytes(head[at : at + _NUMBER], "little") for at in (0, _NUMBER))
    return 0 < labels <= _MOST_LABELS and size == _COUNTS + _NUMBER * labels * (labels + features)


def _is_within(data: bytes, pairs: int) -> bool:
    """Tell whether all numbers in *data* are those of pairs, or their negatives."""
    numbers = array("i", data)
    assert numbers.itemsize == _NUMBER
    return not numbers or (-pairs <= min(numbers) and max(numbers) < pairs)


def _refuse(expected: str, found: str) -> NoReturn:
    message = "the model of THULAC cannot be read"
    raise MalformedContentError(message, expected=expected, found=found)
