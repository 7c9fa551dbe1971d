"""
Word vectors in the binary form of word2vec (`distance.c`): a line with two counts, then words.

Each word ends with a space and is followed by its numbers, sometimes by a line break. The counts
are held against the file, and the first words to their frame: readers go on from word to word.
"""

import re
from typing import Final, NoReturn

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import MalformedContentError

_HEAD: Final = re.compile(rb"([0-9]{1,10}) ([0-9]{1,5})\n")
_HEAD_BYTES: Final = 24
_MAX_WORD: Final = 2000
_LOOKED_AT: Final = 1000
_FLOAT: Final = 4


def is_word2vec(head: bytes, size: int) -> bool:
    """Tell whether a file of *size* bytes that is no text starts as word vectors do."""
    counts = _HEAD.match(head)
    if counts is None:
        return False
    words, numbers = int(counts[1]), int(counts[2])
    return 0 < words * (numbers * _FLOAT + 1) <= size and numbers > 0


def check_word2vec(source: ByteSource) -> None:
    """
    Hold the counts against the file, and follow the first words.

    Raises:
        MalformedContentError: They do not fit.
    """
    head = source.read_at(0, _HEAD_BYTES)
    counts = _HEAD.match(head)
    if counts is None or not is_word2vec(head, source.size):
        _refuse("two counts that the file can hold", repr(head))
    words, numbers = int(counts[1]), int(counts[2])
    at = counts.end()
    for number in range(min(words, _LOOKED_AT)):
        word, space, _ = source.read_at(at, _MAX_WORD).partition(b" ")
        if not space or b"\0" in word:
            _refuse(f"the word {number} and a space", repr(word[:40]))
        at += len(word) + 1 + numbers * _FLOAT
        if at > source.size:
            _refuse(f"an end by byte {source.size}", f"the word {number} up to {at}")
        at += source.read_at(at, 1) == b"\n"
    if words <= _LOOKED_AT and at != source.size:
        _refuse(f"an end at byte {source.size}", f"one at {at}")


def _refuse(expected: str, found: str) -> NoReturn:
    raise MalformedContentError("the word vectors cannot be read", expected=expected, found=found)
