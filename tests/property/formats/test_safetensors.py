"""Ours and the reference reader agree, and ours refuses in its own words."""

import json
import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.safetensors import parse_header

_DTYPES = st.sampled_from(
    ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "c8"]
)
_ARRAYS = _DTYPES.flatmap(
    lambda d: nps.arrays(d, nps.array_shapes(min_dims=0, min_side=0, max_side=3))
)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=10)


@given(
    arrays=st.dictionaries(_TEXT.filter(lambda name: name != "__metadata__"), _ARRAYS, max_size=5),
    metadata=st.dictionaries(_TEXT, _TEXT, min_size=1),
)
def test_round_trip(
    arrays: dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.generic]]"], metadata: dict[str, str]
) -> None:
    """What the reference writes is read with its names, shapes, bytes and notes."""
    data = save(arrays, metadata)
    header = parse_header(BytesSource(data))
    assert dict(header.metadata) == metadata
    assert {t.name: (t.shape, data[t.start : t.end]) for t in header.tensors} == {
        name: (array.shape, array.tobytes()) for name, array in arrays.items()
    }


_BASE = {
    "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "b": {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]},
    "__metadata__": {"k": "v"},
}
_RAW = json.dumps(_BASE).encode()


def taken_by_reference(data: bytes) -> bool:
    """Tell whether the reference reader takes *data*."""
    try:
        deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError:
        return False
    return True


@settings(max_examples=400)
@given(
    at=st.integers(0, len(_RAW)),
    junk=st.text(alphabet='{}[]",:0123456789 -.eabFU3', max_size=4).map(str.encode)
    | st.binary(max_size=3),
    cut=st.integers(0, 4),
    size=st.integers(8, 14),
)
def test_takes_no_more_than_the_reference(at: int, junk: bytes, cut: int, size: int) -> None:
    """A mutated header is refused in our own words, or the reference takes it too."""
    raw = _RAW[:at] + junk + _RAW[at + cut :]
    data = struct.pack("<Q", len(raw)) + raw + bytes(size)
    try:
        parse_header(BytesSource(data))
    except (MalformedContentError, LimitExceededError):
        return
    assert taken_by_reference(data)


@given(st.binary(max_size=100))
def test_arbitrary_bytes_are_refused_in_its_own_words(data: bytes) -> None:
    """Arbitrary bytes give a header or an error of our own."""
    try:
        parse_header(BytesSource(data))
    except (MalformedContentError, LimitExceededError):
        return
    assert taken_by_reference(data)
