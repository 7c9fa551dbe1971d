"""
Front-coded dictionaries of simplemma (`frontcode.py`): words, each with its lemma.

A record says how many bytes its word shares with the word before, and how many of its own follow;
then how many bytes at the end of the word are others in the lemma. One number at the start says
how many records there are. A few bytes can stand for a long word, so lengths are followed.
"""

from collections.abc import Callable
from typing import Final, NoReturn

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_VOCABULARY_BYTES, MAX_WORD_BYTES

MAGIC: Final = b"SMFC1"
_START: Final = len(MAGIC) + 1
_REVERSED: Final = 1
"""Whether words are written from their end; the only flag that there is."""

_SAME: Final = 254
"""In the place of a number of bytes: the lemma of the word before."""
_WHOLE: Final = 255
"""In the place of a number of bytes: a lemma that is written out."""

_MORE: Final = 0x80
_BITS: Final = 7
_LONGEST_NUMBER: Final = 5
_AT_ONCE: Final = 4096


def check_front_coding(source: ByteSource, *, between: Callable[[], None]) -> None:
    """
    Walk a dictionary to its end, which has to be that of the last record.

    *between* is called again and again; what it raises goes through.

    Raises:
        MalformedContentError: A record does not fit, or there are more or fewer of them.
        LimitExceededError: The dictionary, or a word in it, is beyond any.
    """
    if source.size > MAX_VOCABULARY_BYTES:
        raise LimitExceededError(
            "the dictionary is too large", expected=f"at most {MAX_VOCABULARY_BYTES} bytes"
        )
    data = source.read_at(0, source.size)
    if not data.startswith(MAGIC) or data[len(MAGIC) : _START] > bytes([_REVERSED]):
        _refuse("a mark and a flag", repr(data[:_START]))
    try:
        _walk(data, between)
    except IndexError:
        _refuse("whole records", "an end within the last")


def _walk(data: bytes, between: Callable[[], None]) -> None:
    """Follow the records; reading behind the end is an `IndexError`."""
    count, at = _number(data, _START)
    word = lemma = found = 0
    while at < len(data):
        if not found % _AT_ONCE:
            between()
        # Nearly all numbers are of one byte, and a dictionary has a million of them.
        shared, own = data[at], data[at + 1]
        at += 2
        if shared >= _MORE or own >= _MORE:
            shared, at = _number(data, at - 2)
            own, at = _number(data, at)
        if shared > word:
            _refuse(f"at most {word} bytes of the word before", str(shared))
        word = shared + own
        at += own
        cut = data[at]
        at += 1
        if cut != _SAME:
            added = data[at]
            at += 1
            if added >= _MORE:
                added, at = _number(data, at - 1)
            at += added
            if cut != _WHOLE and cut > word:
                _refuse(f"a lemma of a word of {word} bytes", f"{cut} bytes fewer")
            lemma = added if cut == _WHOLE else word - cut + added
        if max(word, lemma) > MAX_WORD_BYTES:
            raise LimitExceededError(
                "a word of the dictionary is too long", expected=f"at most {MAX_WORD_BYTES} bytes"
            )
        found += 1
    if at != len(data) or found != count:
        _refuse(f"{count} records in {len(data)} bytes", f"{found} in {at}")


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at *at*, seven bits in a byte, and what is behind it."""
    byte = data[at]
    if byte < _MORE:
        return byte, at + 1
    number = place = 0
    while byte >= _MORE and place < _LONGEST_NUMBER:
        byte = data[at + place]
        number |= (byte & (_MORE - 1)) << _BITS * place
        place += 1
    if byte >= _MORE:
        _refuse(f"a number of at most {_LONGEST_NUMBER} bytes", "a longer one")
    return number, at + place


def _refuse(expected: str, found: str) -> NoReturn:
    message = "the front-coded dictionary cannot be read"
    raise MalformedContentError(message, expected=expected, found=found)
