"""Whatever bytes there are, an HDF5 reader ends with objects, problems or an error of ours."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from support.hdf5 import FOLDER
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.hdf5 import (
    Hdf5File,
    Object,
    holds_bytes,
    holds_sequences,
    read_flat,
    read_sequences,
)

_BASES: Final = tuple(path.read_bytes() for path in sorted(FOLDER.glob("*.h5")))
_MOST_READS: Final = 20_000


class _Reads:
    """Counts what is read, and ends a reader that would not end."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        """Count one more."""
        self.count += 1
        assert self.count < _MOST_READS


def _read_all(data: bytes) -> int:
    """Read everything; return the number of objects."""
    found = 0
    try:
        file = Hdf5File(BytesSource(data), checkpoint=_Reads())
        for item in file.walk():
            if not isinstance(item, Object):
                continue
            found += 1
            if item.dataset is None:
                continue
            try:
                if holds_bytes(item.dataset):
                    read_flat(file, item.dataset)
                if holds_sequences(item.dataset):
                    for source in read_sequences(file, item.dataset):
                        assert source.size <= len(data)
            except (MalformedContentError, LimitExceededError):
                continue
    except (MalformedContentError, LimitExceededError):
        pass
    return found


@given(data=st.binary(max_size=400))
def test_anything_behind_a_signature(data: bytes) -> None:
    """Any bytes behind a signature are read or refused."""
    _read_all(b"\x89HDF\r\n\x1a\n" + data)


@settings(max_examples=300)
@given(data=st.data(), base=st.sampled_from(_BASES))
def test_mutants(data: st.DataObject, base: bytes) -> None:
    """A file with some bytes exchanged, cut out or put in is read or refused."""
    changed = bytearray(base)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        junk = data.draw(
            st.sampled_from([b"\xff", b"\0", b"\xff" * 8, b"\1\0\0\0"]) | st.binary(max_size=8)
        )
        cut = data.draw(st.sampled_from([len(junk), 0, 1, 8]))
        changed[at : at + cut] = junk
    _read_all(bytes(changed))


@given(base=st.sampled_from(_BASES), end=st.integers(0, 30_000))
def test_cut(base: bytes, end: int) -> None:
    """A file that is cut anywhere has no more objects than the whole one."""
    assert _read_all(base[:end]) <= _read_all(base)
