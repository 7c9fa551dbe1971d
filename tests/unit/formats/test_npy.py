"""NumPy headers are read as NumPy writes them, and nothing else is."""

import io
import warnings

import numpy as np
import pytest

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_NPY_HEADER_BYTES
from weighbridge.formats.npy import NpyHeader, parse_header


def saved(
    array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]",
    *,
    version: tuple[int, int] | None = None,
) -> bytes:
    """Return what NumPy's own writer writes."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def with_header(
    text: str, *, version: tuple[int, int] = (1, 0), length: int | None = None
) -> bytes:
    """Return a file with the header *text*."""
    raw = text.encode("utf-8" if version >= (3, 0) else "latin-1")
    width = 2 if version == (1, 0) else 4
    size = (len(raw) if length is None else length).to_bytes(width, "little")
    return b"\x93NUMPY" + bytes(version) + size + raw


def parse(data: bytes) -> NpyHeader:
    """Parse *data*."""
    return parse_header(BytesSource(data))


DTYPES = [
    "?", "i1", "<i2", ">i4", "<i8", "u1", "<u8", "<f2", "<f4", ">f8", "<c8", "<c16", "S0", "S5",
    "U3", "V7", "<M8[ns]", "<m8[25us]", "<M8",
    [("a", "<f4"), ("b", "<i8", (2, 3))],
    [("a", [("b", "S3"), ("é", "<u2")]), (("title", "c"), "<f8")],
    {"names": ["x", "y"], "formats": ["<i4", "<f8"], "offsets": [0, 16], "itemsize": 32},
]  # fmt: skip


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("dtype", DTYPES, ids=repr)
def test_agrees_with_the_writer(dtype: str, version: tuple[int, int]) -> None:
    """Shape, size, order and position of the data are those that NumPy's writer gave."""
    array = np.zeros((3, 2), dtype=dtype, order="F")
    data = saved(array, version=version)
    header = parse(data)
    assert header.version == version
    assert header.shape == (3, 2)
    assert header.fortran_order
    assert not header.has_object
    assert header.item_size == array.dtype.itemsize
    assert header.data_size == array.nbytes
    assert header.data_offset + array.nbytes == len(data)


@pytest.mark.parametrize(
    "dtype",
    ["O", [("a", "<f4"), ("b", "O")], [("a", [("b", [("c", "O", (2,))])])]],
    ids=["plain", "field", "nested"],
)
def test_finds_objects_at_any_depth(dtype: str) -> None:
    """A type with Python objects anywhere is told, and has no size."""
    header = parse(saved(np.zeros((2,), dtype=dtype)))
    assert header.has_object
    assert header.item_size is None
    assert header.data_size is None


def test_a_scalar_has_no_dimensions() -> None:
    """A scalar's shape is empty and its data one element."""
    header = parse(saved(np.zeros((), np.float32)))
    assert header.shape == ()
    assert header.data_size == 4


def test_descr_is_kept_as_written() -> None:
    """A plain type comes back as its text, a structure as the repr of its fields."""
    assert parse(saved(np.zeros(1, "<f4"))).descr == "<f4"
    assert parse(saved(np.zeros(1, [("a", "<f4")]))).descr == "[('a', '<f4')]"


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD + " " * 40 + "\n",
        "{'shape':(3,),'descr':'<f4','fortran_order':False}",
        "{'descr': \"<f4\", 'fortran_order': False, 'shape': (3L,), }",
        "{'descr': '<\\x664', 'fortran_order': False, 'shape': (3,), }",
    ],
)
def test_takes_the_writers_forms(text: str) -> None:
    """Spacing, order, quotes, escapes and the long integers of old files change nothing."""
    header = parse(with_header(text))
    assert (header.descr, header.shape, header.fortran_order) == ("<f4", (3,), False)


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "x",
        GOOD[:-1],
        GOOD.replace("(3,)", "(3)"),
        GOOD.replace("(3,)", "[3]"),
        GOOD.replace("(3,)", "(-3,)"),
        GOOD.replace("(3,)", "(True,)"),
        GOOD.replace("(3,)", "(1.5,)"),
        GOOD.replace("(3,)", "(3 4)"),
        GOOD.replace("(3,)", "(1+2,)"),
        GOOD.replace("(3,)", "(" + "9" * 21 + ",)"),
        GOOD.replace("False", "0"),
        GOOD.replace("False", "None"),
        GOOD.replace("False", "Maybe"),
        GOOD.replace("'<f4'", "4"),
        GOOD.replace("'<f4'", "'<f3'"),
        GOOD.replace("'<f4'", "'f4,O'"),
        GOOD.replace("'<f4'", "'object'"),
        GOOD.replace("'<f4'", "'<f4\\q'"),
        GOOD.replace("'<f4'", "'\\ud800'"),
        GOOD.replace("'<f4'", "[]"),
        GOOD.replace("'<f4'", "[('a',)]"),
        GOOD.replace("'<f4'", "[('a', '<f4', 3)]"),
        GOOD.replace("'<f4'", "[(4, '<f4')]"),
        GOOD.replace("'<f4'", "[('a', {})]"),
        GOOD.replace("'<f4'", "[['a', '<f4']]"),
        GOOD.replace("'<f4'", "[(['a', 'b'], '<f4')]"),
        GOOD.replace("'<f4'", "[(('a', 1), '<f4')]"),
        GOOD.replace("'<f4'", "[('a', ('<f4', 3))]"),
        GOOD.replace("'<f4'", "('<f4', (3,))"),
        GOOD.replace("'descr'", "'desc'"),
        GOOD.replace("'descr'", "descr"),
        GOOD.replace("'descr':", "'descr'"),
        GOOD.replace("{", "{'more': 1, "),
        GOOD.replace("{", "{'descr': '|O', "),
        GOOD.replace("{", "{1: 1, "),
        GOOD.replace(", 'shape'", " 'shape'"),
        "[]",
        "",
        "()",
        "__import__('os')",
    ],
)
def test_refuses_other_headers(text: str) -> None:
    """Whatever NumPy would not write, expressions and duplicate keys included, is malformed."""
    with pytest.raises(MalformedContentError):
        parse(with_header(text))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPX\x01\x00" + with_header(GOOD)[8:],
        with_header(GOOD, version=(4, 0)),
        with_header(GOOD, version=(1, 1)),
        with_header(GOOD, length=len(GOOD) + 1),
        with_header(GOOD, length=len(GOOD) - 1),
        with_header(GOOD, version=(3, 0)).replace(b"descr", b"desc\xff"),
    ],
)
def test_refuses_broken_prefixes(data: bytes) -> None:
    """Wrong magic, version or length are malformed."""
    with pytest.raises(MalformedContentError):
        parse(data)


@pytest.mark.parametrize(
    "data",
    [
        with_header(GOOD, version=(2, 0), length=MAX_NPY_HEADER_BYTES + 1),
        with_header(GOOD.replace("(3,)", "(" * 100 + ")" * 100)),
        with_header(GOOD.replace("(3,)", "(" + "1," * 65 + ")")),
        with_header(GOOD.replace("'<f4'", "[('a', " + "(" * 17 + "'<f4'" + ", (1,))" * 17 + ")]")),
        with_header(GOOD.replace("'<f4'", "[('a'," * 18 + "'<f4'" + ")]" * 18)),
    ],
)
def test_bounds_headers(data: bytes) -> None:
    """Length, depth and rank are bounded."""
    with pytest.raises(LimitExceededError):
        parse(data)


def test_takes_the_greatest_rank() -> None:
    """As many dimensions as NumPy allows are read."""
    header = parse(with_header(GOOD.replace("(3,)", "(" + "1," * 64 + ")")))
    assert len(header.shape) == 64
