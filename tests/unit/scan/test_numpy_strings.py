"""Arrays of NumPy's text of any length: they pass with text in them, and with nothing else."""

import pickle

import numpy as np
import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

TYPE = p.name("numpy._core._internal", "_convert_to_stringdtype_kwargs")
WRAPPER = p.name("joblib.numpy_pickle", "NumpyArrayWrapper")


def messages(body: bytes, told: FileFormat = FileFormat.PICKLE) -> list[str]:
    """Return what is found in a stream."""
    found = examined(p.stream(body, protocol=4), format=told)
    return [item.message if isinstance(item, Finding) else item.reason for item in found]


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize(
    "array",
    [
        np.array(["a", "b" * 300, ""], dtype=np.dtypes.StringDType()),
        np.array([["a"], ["b"]], dtype=np.dtypes.StringDType(coerce=False)),
        np.array(["a", None], dtype=np.dtypes.StringDType(na_object=None)),
        np.array(["a", np.nan], dtype=np.dtypes.StringDType(na_object=float("nan"))),
        np.array(["a", "x"], dtype=np.dtypes.StringDType(na_object="x")),
        np.array([], dtype=np.dtypes.StringDType()),
    ],
    ids=["text", "rows", "none", "nan", "word", "empty"],
)
def test_arrays_of_text_pass(array: object, protocol: int) -> None:
    """What NumPy writes for such an array is nothing to report."""
    assert examined(pickle.dumps(array, protocol), format=FileFormat.PICKLE) == ()


def kind(*args: bytes) -> bytes:
    """Return a type of text."""
    return p.call(TYPE, *(args or (p.integer(1),)))


def array(content: bytes, *, of: bytes | None = None, length: int = 1) -> bytes:
    """Return an array of *length* with *content*."""
    function = p.name("numpy._core.multiarray", "_reconstruct")
    shell = p.call(function, p.name("numpy", "ndarray"), p.tuple_of(p.integer(0)), p.raw(b"b"))
    shape = p.tuple_of(p.integer(length))
    items = (p.integer(1), shape, kind() if of is None else of, p.FALSE, content)
    return shell + p.tuple_of(*items) + p.BUILD


def dtype(code: str, *state: bytes) -> bytes:
    """Return a type with a state."""
    made = p.call(p.name("numpy", "dtype"), p.text(code), p.FALSE, p.TRUE)
    return made + p.tuple_of(*state) + p.BUILD


TEXT = p.list_of(p.text("a"))
INSTANCE = p.call(p.name("collections", "OrderedDict"))
FIELD = p.dict_of(p.text("a"), p.tuple_of(kind(), p.integer(0)))
BAD = {
    "an instance": array(p.list_of(INSTANCE)),
    "a class": array(p.list_of(p.name("collections", "OrderedDict"))),
    "a list": array(p.list_of(p.list_of())),
    "fewer texts": array(TEXT, length=2),
    "more texts": array(TEXT, length=0),
    "a negative length": array(TEXT, length=-1),
    "bytes": array(p.raw(bytes(16))),
    "text": array(p.text("a")),
    "later texts": array(p.list_of() + b"q\x63") + p.POP + b"h\x63" + p.text("a") + p.APPEND,
    "a state of the type": array(TEXT, of=kind() + p.tuple_of(p.integer(3)) + p.BUILD),
    "an instance for no text": array(TEXT, of=kind(p.integer(1), INSTANCE)),
    "a function for no text": array(TEXT, of=kind(p.integer(1), p.name("numpy", "mean"))),
    "a list for no text": array(TEXT, of=kind(p.integer(1), p.list_of())),
    "too many arguments": kind(p.integer(1), p.NONE, p.NONE),
    "no arguments": p.call(TYPE),
    "another argument": kind(p.text("a")),
    "keywords": TYPE + p.tuple_of() + p.dict_of(p.text("coerce"), p.TRUE) + p.NEWOBJ_EX,
    "a scalar": p.call(p.name("numpy._core.multiarray", "scalar"), kind(), p.raw(bytes(16))),
    "a field": array(
        p.list_of(p.tuple_of(p.text("a"))),
        of=dtype(
            "V16", p.integer(3), p.text("|"), p.NONE, p.tuple_of(p.text("a")), FIELD,
            p.integer(16), p.integer(8), p.integer(27),
        ),
    ),
}  # fmt: skip


def test_an_array_of_text_passes() -> None:
    """The array that the others differ from is nothing to report."""
    assert messages(array(TEXT)) == []
    assert messages(array(p.list_of(p.NONE), of=kind(p.integer(0), p.NONE))) == []


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_what_is_no_text_is_found(body: bytes) -> None:
    """A type or an array of text that NumPy would not have written is found."""
    assert messages(body)


def test_arrays_of_text_in_joblib_files() -> None:
    """joblib writes such an array as a pickle of its own, which is judged as any other."""
    state = p.dict_of(
        p.text("subclass"), p.name("numpy", "ndarray"), p.text("shape"), p.tuple_of(p.integer(1)),
        p.text("order"), p.text("C"), p.text("dtype"), kind(), p.text("allow_mmap"), p.FALSE,
    )  # fmt: skip
    body = p.call(WRAPPER) + state + p.BUILD
    assert messages(body + p.stream(array(TEXT)), FileFormat.JOBLIB) == []
    assert messages(body + p.stream(array(p.list_of(INSTANCE))), FileFormat.JOBLIB)
    assert messages(body + p.stream(p.system()), FileFormat.JOBLIB)
