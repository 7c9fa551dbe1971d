"""The reader of R data ends in its contents or in one of its two errors, whatever it is given."""

import struct

from hypothesis import example, given
from hypothesis import strategies as st

from support.r_data import call, file_of, item, symbol
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.r_data import Contents, read_r_data

NUMBER = item(13) + struct.pack(">ii", 1, 7)
LIST = item(19 | 0x200) + struct.pack(">i", 2) + NUMBER + call("f", NUMBER)
BODY = LIST + item(2 | 0x400) + symbol("class") + item(5) + item(252) + item(254) + item(254)
LETTERS = b"A\n3\n262914\n197888\n5\nUTF-8\n19\n2\n13\n1\nNA\n16\n1\n262153\n5\na\\040b\\n\\\\\n"


def read(data: bytes) -> Contents | None:
    """Read *data*; any other error than the two fails the test."""
    try:
        contents = read_r_data(BytesSource(data))
    except (MalformedContentError, LimitExceededError):
        return None
    assert contents.end <= len(data)
    return contents


def test_the_files_are_read() -> None:
    """The files that the others are made from are whole, and their code is seen."""
    found = read(file_of(BODY))
    assert found is not None
    assert found.functions == ("f",)
    assert len(found.promises) == 1
    assert found.end == len(file_of(BODY))
    assert read(LETTERS) is not None


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    """Any bytes are R data or are refused."""
    read(data)


@given(st.binary())
@example(struct.pack(">i", 19) + struct.pack(">i", 2**31 - 1))
@example(struct.pack(">i", 13) + struct.pack(">iii", -1, 2**31 - 1, 2**31 - 1))
@example(struct.pack(">i", 9) + struct.pack(">i", 2**31 - 1))
@example(item(255))
@example(item(2) * 100_000)
def test_any_body(data: bytes) -> None:
    """Any bytes behind a header are read within bounds or are refused."""
    read(file_of(data))


@given(st.integers(0, len(BODY)), st.integers(0, 4), st.binary(max_size=4))
def test_mutations(at: int, cut: int, piece: bytes) -> None:
    """A file that differs in one place is read or is refused."""
    read(file_of(BODY[:at] + piece + BODY[at + cut :]))


@given(st.integers(0, len(LETTERS)), st.integers(0, 4), st.binary(max_size=4))
def test_mutations_of_letters(at: int, cut: int, piece: bytes) -> None:
    """A file in letters that differs in one place is read or is refused."""
    read(LETTERS[:at] + piece + LETTERS[at + cut :])


@given(st.integers(0, len(BODY) - 1))
def test_beginnings(at: int) -> None:
    """A file that was cut is refused."""
    assert read(file_of(BODY[:at])) is None
