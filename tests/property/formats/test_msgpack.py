"""The reader of MessagePack ends well or in its errors, whatever it is given."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.msgpack import Buried, MsgpackReader
from weighbridge.formats.sniff import sniff

FILES = [
    path.read_bytes()
    for path in Path(__file__).parents[2].joinpath("vectors", "msgpack").glob("*.msgpack")
]


def read(data: bytes) -> list[Buried]:
    """Return what is buried in *data*; any error but the two fails the test."""
    found: list[Buried] = []
    try:
        found.extend(MsgpackReader(BytesSource(data), between=lambda: None).buried())
    except (MalformedContentError, LimitExceededError):
        return found
    return found


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Whatever is yielded lies within the file."""
    assert all(0 <= each.start <= each.end <= len(data) for each in read(data))
    sniff(BytesSource(data), name="x.msgpack")


@given(st.sampled_from(FILES), st.data())
def test_mutations(data: bytes, draw: st.DataObject) -> None:
    """A file that differs in one place is read or refused."""
    at = draw.draw(st.integers(0, len(data)))
    changed = (
        data[:at] + draw.draw(st.binary(max_size=4)) + data[at + draw.draw(st.integers(0, 4)) :]
    )
    assert all(0 <= each.start <= each.end <= len(changed) for each in read(changed))
    sniff(BytesSource(changed), name="x.msgpack")
