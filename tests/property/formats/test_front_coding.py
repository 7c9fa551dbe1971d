"""The check of a front-coded dictionary ends well or in its errors, whatever it is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_VOCABULARY_BYTES, MAX_WORD_BYTES
from weighbridge.formats.front_coding import check_front_coding

WORDS = b"SMFC1\0\x04\0\x03cat\x00\x00\x03\x01s\x01\x00\x00\x04mice\xff\x05mouse\x02\x00\xfe"
"""cat: cat, cats: cat, mice: mouse, mi: mouse."""


def holds(data: bytes) -> bool:
    """Tell whether *data* holds together; any error but the two fails the test."""
    try:
        check_front_coding(BytesSource(data), between=lambda: None)
    except (MalformedContentError, LimitExceededError):
        return False
    return True


def encoded(number: int) -> bytes:
    """Return a number as the format has it."""
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def test_a_dictionary_holds() -> None:
    """Words and lemmas that follow from each other hold, forwards and from their ends."""
    assert holds(WORDS)
    assert holds(WORDS[:5] + b"\1" + WORDS[6:])
    assert holds(b"SMFC1\0\0")


@pytest.mark.parametrize(
    "data",
    [
        b"SMFC1",
        b"SMFC2\0\0",
        b"SMFC1\2\0",
        WORDS + b"\0",
        WORDS[:-1],
        WORDS[:-4],
        WORDS[:6] + b"\x03" + WORDS[7:],
        WORDS[:6] + b"\x05" + WORDS[7:],
        b"SMFC1\0\x01\x01\x01a\0\0",
        b"SMFC1\0\x01\0\x01a\x02\0",
        b"SMFC1\0\x01\0\x05a\0\0",
        b"SMFC1\0\x01\0\x01a\0\x05",
        b"SMFC1\0" + b"\x80" * 6 + b"\x01",
    ],
)
def test_what_does_not_fit(data: bytes) -> None:
    """Another mark, a length beyond the end or the word before, and another count are refused."""
    assert not holds(data)


def test_numbers_of_several_bytes_are_read() -> None:
    """A count and a length of more than seven bits are what they say."""
    word = b"a" * 200
    more = b"".join(b"\xc8\x01\0\0\0" for _ in range(199))
    first = b"\0" + encoded(200) + word + b"\0\0"
    assert holds(b"SMFC1\0" + encoded(200) + first + more)
    assert not holds(b"SMFC1\0" + encoded(201) + first + more)


def test_words_do_not_grow_without_end() -> None:
    """Records that make each word longer than the one before meet the bound on words."""
    records = b"".join(encoded(n * 64) + encoded(64) + b"a" * 64 + b"\0\0" for n in range(65))
    assert MAX_WORD_BYTES < 65 * 64
    with pytest.raises(LimitExceededError, match="too long"):
        check_front_coding(BytesSource(b"SMFC1\0" + encoded(65) + records), between=lambda: None)


def test_the_largest_are_refused_before_they_are_read() -> None:
    """A dictionary of more bytes than any is a limit, and nothing of it is read."""

    class Large:
        """More bytes than the bound, of which none may be read."""

        size = MAX_VOCABULARY_BYTES + 1

        def read_at(self, offset: int, length: int) -> bytes:
            """Fail the test."""
            raise AssertionError((offset, length))

    with pytest.raises(LimitExceededError, match="too large"):
        check_front_coding(Large(), between=lambda: None)


def test_it_asks_whether_to_go_on() -> None:
    """The walk asks as it goes, and ends when the answer is an error."""

    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        check_front_coding(BytesSource(WORDS), between=stop)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Whatever follows the mark, the walk ends."""
    holds(b"SMFC1\0" + data)


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=20))
def test_what_is_written_out_holds(pairs: list[tuple[str, str]]) -> None:
    """Any words and lemmas hold that are written without what they share."""
    records = b"".join(
        b"\0" + encoded(len(word.encode())) + word.encode() + b"\xff"
        + encoded(len(lemma.encode())) + lemma.encode()
        for word, lemma in pairs
    )  # fmt: skip
    data = b"SMFC1\0" + encoded(len(pairs)) + records
    assert holds(data)
    assert not holds(data + b"\0")
