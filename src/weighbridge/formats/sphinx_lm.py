"""
Language models of PocketSphinx (`ngram_model_trie.c`, `lm_trie.c`): how likely words are in a row.

A mark, the order and a count for each length of a row are followed by tables of weights, by what
is known of single words, by longer rows, packed to the bit, and by the words. The counts give the
size of all but the words to the byte. The numbers of words within rows are not followed.
"""

import struct
from typing import Final, NoReturn

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_VOCABULARY_BYTES

MAGIC: Final = b"Trie Language Model"
_LONGEST: Final = 5
"""Words in a row; the reader's own bound (`NGRAM_MAX_ORDER`)."""

_QUANTIZED: Final = 1
_INT: Final = struct.Struct("<i")
_WORD: Final = struct.Struct("<ffI")
_WEIGHTS: Final = 1 << 16
"""Weights of one table, which rows refer to by sixteen bits."""
_WEIGHT_BITS: Final = 16
_FLOAT_BYTES: Final = 4
_BYTE_BITS: Final = 8
_SLACK: Final = 8
"""Bytes behind each packed table, so that eight can be read at its last bit."""


def check_sphinx_lm(source: ByteSource) -> None:
    """
    Hold the counts against the size of the file, and the words and what leads from them.

    Raises:
        MalformedContentError: They do not fit.
        LimitExceededError: There are more words than any model has.
    """
    counts, at = _counts(source)
    rows = len(counts) - 1
    if rows:
        (kind,) = _INT.unpack(_read(source, at, _INT.size))
        if kind != _QUANTIZED:
            _refuse("weights in tables", f"kind {kind}")
        at += _INT.size + (2 * rows - 1) * _WEIGHTS * _FLOAT_BYTES
    if counts[0] * _WORD.size > MAX_VOCABULARY_BYTES:
        raise LimitExceededError("the language model has too many words")
    words = _read(source, at, (counts[0] + 1) * _WORD.size)
    places = [place for _, _, place in _WORD.iter_unpack(words)]
    if rows and (places != sorted(places) or places[-1] > counts[1]):
        _refuse(f"words that lead to {counts[1]} rows in order", f"one up to {places[-1]}")
    at += len(words) + _packed_bytes(counts)
    (length,) = _INT.unpack(_read(source, at, _INT.size))
    at += _INT.size
    if length < 0 or at + length != source.size:
        _refuse(f"words up to byte {source.size}", f"{length} bytes at {at}")
    if length > MAX_VOCABULARY_BYTES:
        raise LimitExceededError("the words of the language model are too many bytes")
    names = _read(source, at, length)
    if names.count(b"\0") != counts[0] or names[-1:] != b"\0":
        _refuse(f"{counts[0]} words, each with a zero behind it", f"{names.count(0)} zeros")


def _counts(source: ByteSource) -> tuple[tuple[int, ...], int]:
    """Return how many rows there are of each length, and where the counts end."""
    start = len(MAGIC) + 1
    head = _read(source, 0, start)
    order = head[-1]
    if not head.startswith(MAGIC) or not 0 < order <= _LONGEST:
        _refuse(f"a mark and an order of at most {_LONGEST}", repr(head))
    packed = struct.Struct(f"<{order}I")
    counts = packed.unpack(_read(source, start, packed.size))
    if min(counts) <= 0:
        _refuse("rows of each length", str(counts))
    return counts, start + packed.size


def _packed_bytes(counts: tuple[int, ...]) -> int:
    """Return the size of the tables of longer rows (`lm_trie_alloc_ngram`)."""
    size = 0
    word_bits = counts[0].bit_length()
    for index, count in enumerate(counts[1:], start=1):
        last = index == len(counts) - 1
        # Its weight; and, where longer rows begin with it, a second one and where they are.
        more = _WEIGHT_BITS if last else 2 * _WEIGHT_BITS + counts[index + 1].bit_length()
        size += -(-(1 + count) * (word_bits + more) // _BYTE_BITS) + _SLACK
    return size


def _read(source: ByteSource, at: int, count: int) -> bytes:
    data = source.read_at(at, count)
    if len(data) != count:
        _refuse(f"{count} bytes at byte {at}", f"{len(data)}")
    return data


def _refuse(expected: str, found: str) -> NoReturn:
    message = "the language model cannot be read"
    raise MalformedContentError(message, expected=expected, found=found)
