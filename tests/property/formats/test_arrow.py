"""The reader of Arrow's schemas ends well or in its errors, whatever it is given."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.arrow import read_notes
from weighbridge.formats.sniff import sniff

FOLDER = Path(__file__).parents[2] / "vectors" / "arrow"
FILES = [path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix != ".py"]


def read(data: bytes) -> None:
    """Read *data*; any error but the two fails the test."""
    sniff(BytesSource(data), name="x")
    try:
        for _ in read_notes(BytesSource(data), between=lambda: None):
            pass
    except (MalformedContentError, LimitExceededError):
        return


@given(st.binary(max_size=300), st.sampled_from([b"", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff"]))
def test_any_bytes(data: bytes, start: bytes) -> None:
    """Bytes behind any of the marks are read or refused."""
    read(start + data)
    read(start + data + data[:4] + start[:6])


@given(st.sampled_from(FILES), st.data())
def test_mutations(data: bytes, draw: st.DataObject) -> None:
    """A file that differs in one place is read or refused."""
    at = draw.draw(st.integers(0, len(data)))
    piece, cut = draw.draw(st.binary(max_size=4)), draw.draw(st.integers(0, 4))
    read(data[:at] + piece + data[at + cut :])
