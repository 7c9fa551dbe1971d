"""What NumPy writes is read, and everything else is refused in our own words."""

import io
import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.npy import parse_header

_BASE = (
    b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }".ljust(127)
    + b"\n"
)


@given(
    dtype=nps.scalar_dtypes() | nps.array_dtypes(allow_subarrays=True) | nps.nested_dtypes(),
    shape=nps.array_shapes(min_dims=0, min_side=0),
)
def test_round_trip(dtype: "np.dtype[np.generic]", shape: tuple[int, ...]) -> None:
    """Every type and shape that NumPy writes is read with the size that it has."""
    array = np.zeros(shape, dtype=dtype)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(out, array)
    header = parse_header(BytesSource(out.getvalue()))
    assert header.shape == array.shape
    assert header.data_size == array.nbytes
    assert header.data_offset + array.nbytes == len(out.getvalue())


@given(data=st.binary(max_size=200), at=st.integers(0, len(_BASE)), cut=st.integers(0, 20))
def test_refuses_in_its_own_words(data: bytes, at: int, cut: int) -> None:
    """Mutated headers give a header or an error of our own, never another one."""
    try:
        parse_header(BytesSource(_BASE[:at] + data + _BASE[at + cut :]))
    except (MalformedContentError, LimitExceededError):
        return


@given(text=st.text(alphabet="{}()[],:'\"\\ \nLOTrueFalse<f4descrshape0123456789-", max_size=100))
def test_literals_are_refused_in_its_own_words(text: str) -> None:
    """Arbitrary literals give a header or an error of our own, never another one."""
    raw = text.encode()
    try:
        parse_header(BytesSource(_BASE[:8] + len(raw).to_bytes(2, "little") + raw))
    except (MalformedContentError, LimitExceededError):
        return
