"""
Makes `companions.json`: pickles as joblib 0.9 wrote them, with the files beside them.

`python tests/vectors/joblib/make.py` writes it anew. Each case says whether the pickle is to be
found. Payloads touch a marker at most, and only under `joblib.load`.
"""

import json
import pickle
import sys
from pathlib import Path
from typing import Final

import numpy as np

_HERE: Final = Path(__file__).parent
sys.path.insert(0, str(_HERE.parents[1]))

from support import pickles as p  # noqa: E402  the path comes first

MODEL: Final = "model.pkl"
FIRST: Final = "model.pkl_01.npy"
WRAPPER: Final = p.name("joblib.numpy_pickle", "NDArrayWrapper")
ARRAY: Final = p.name("numpy", "ndarray")
PAYLOAD: Final = p.stream(p.system())


def npy(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> bytes:
    """Return *array* as NumPy's file."""
    descr = array.dtype.str
    header = repr({"descr": descr, "fortran_order": False, "shape": array.shape}).encode() + b"\n"
    body = pickle.dumps(array, 2) if array.dtype.hasobject else array.tobytes()
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + body


NUMBERS: Final = npy(np.arange(3.0))
EVIL: Final = b"\x93NUMPY\x01\0" + (59).to_bytes(2, "little") + (
    b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(58) + b"\n"
) + PAYLOAD  # fmt: skip


def attributes(name: str = FIRST, kind: bytes = ARRAY, *more: bytes) -> bytes:
    """Return the state of a wrapper."""
    return p.dict_of(
        p.text("filename"), p.text(name), p.text("allow_mmap"), p.TRUE, p.text("subclass"), kind, *more
    )  # fmt: skip


def wrapper(state: bytes) -> bytes:
    """Return a wrapper that gets *state*."""
    return p.new(WRAPPER) + state + p.BUILD


def model(*bodies: bytes) -> bytes:
    """Return a pickle of a list of *bodies*."""
    return p.stream(p.list_of(*bodies))


def case(
    why: str, pickled: bytes, /, *, found: bool = True, beside: dict[str, bytes] | None = None
) -> dict[str, object]:
    """Return a case: a pickle, and a file of NumPy's beside it unless *beside* says otherwise."""
    listed = {MODEL: pickled, **({FIRST: NUMBERS} if beside is None else beside)}
    return {
        "id": why.replace(" ", "-"),
        "found": found,
        "files": {path: data.hex() for path, data in listed.items()},
    }


GOOD: Final = wrapper(attributes())
COPYREG: Final = p.call(
    p.name("copyreg", "_reconstructor"), WRAPPER, p.name("builtins", "object"), p.NONE
)
KEEP: Final = b"q\x63"
AGAIN: Final = b"h\x63"

CASES: Final = [
    case("numbers beside it", model(GOOD), found=False),
    case("objects beside it", model(GOOD), found=False, beside={FIRST: npy(np.array([None, "x"], object))}),
    case("a matrix", model(wrapper(attributes(FIRST, p.name("numpy.matrixlib.defmatrix", "matrix")))), found=False),
    case("before 0.9", model(wrapper(p.dict_of(p.text("filename"), p.text(FIRST), p.text("subclass"), ARRAY))), found=False),
    case("the new name of the module", model(p.new(p.name("joblib.numpy_pickle_compat", "NDArrayWrapper")) + attributes() + p.BUILD), found=False),
    case("a wrapper without a state", model(p.new(WRAPPER)), found=False),
    case("two arrays", model(GOOD, wrapper(attributes("model.pkl_02.npy"))), found=False, beside={FIRST: NUMBERS, "model.pkl_02.npy": NUMBERS}),
    case("no file beside it", model(GOOD), beside={"other.npy": NUMBERS}),
    case("a pickle of that name", model(GOOD), beside={FIRST: PAYLOAD}),
    case("words of that name", model(GOOD), beside={FIRST: b"cos\nsystem\n"}),
    case("an archive of that name", model(GOOD), beside={FIRST: b"PK\5\6" + bytes(18)}),
    case("itself", model(wrapper(attributes(MODEL)))),
    case("a folder below", model(wrapper(attributes("sub/x_01.npy"))), beside={"sub/x_01.npy": NUMBERS}),
    case("a folder above", model(wrapper(attributes("../x_01.npy"))), beside={"x_01.npy": NUMBERS}),
    case("a path", model(wrapper(attributes("/tmp/x_01.npy"))), beside={"tmp/x_01.npy": NUMBERS}),
    case("another system's path", model(wrapper(attributes("sub\\x_01.npy"))), beside={"sub\\x_01.npy": NUMBERS}),
    case("a stream of a file", model(wrapper(attributes("x:y_01.npy"))), beside={"x:y_01.npy": NUMBERS}),
    case("the name of a descriptor", model(wrapper(attributes("7"))), beside={"7": NUMBERS}),
    case("a name without a number", model(wrapper(attributes("x.npy"))), beside={"x.npy": NUMBERS}),
    case("bytes for a name", model(wrapper(p.dict_of(p.text("filename"), p.raw(FIRST.encode()), p.text("subclass"), ARRAY)))),
    case("a computed name", model(wrapper(p.dict_of(p.text("filename"), p.call(p.name("builtins", "str"), p.text(FIRST)), p.text("subclass"), ARRAY)))),
    case("a computed attribute", model(wrapper(attributes(FIRST, ARRAY, p.call(p.name("builtins", "str"), p.text("filename")), p.text("/x"))))),
    case("a name twice", model(wrapper(attributes(FIRST, ARRAY, p.text("filename"), p.text(FIRST))))),
    case("another attribute", model(wrapper(attributes(FIRST, ARRAY, p.text("read"), p.NONE)))),
    case("no class", model(wrapper(p.dict_of(p.text("filename"), p.text(FIRST))))),
    case("another class", model(wrapper(attributes(FIRST, p.name("collections", "OrderedDict"))))),
    case("no dict", model(wrapper(p.tuple_of(p.text(FIRST))))),
    case("mapping by a name", model(wrapper(p.dict_of(p.text("filename"), p.text(FIRST), p.text("subclass"), ARRAY, p.text("allow_mmap"), p.text("w+"))))),
    case("a state later", model(p.new(WRAPPER) + KEEP + attributes() + p.BUILD, AGAIN + attributes() + p.BUILD)),
    case("written to later", model(p.new(WRAPPER) + attributes("/x") + KEEP + p.BUILD, AGAIN + p.text("filename") + p.text(FIRST) + p.SETITEM)),
    case("the same file twice", model(GOOD, GOOD)),
    case("items", model(GOOD + p.integer(0) + p.integer(1) + p.SETITEM)),
    case("a call", model(p.call(WRAPPER, p.text(FIRST), ARRAY) + p.EMPTY_DICT + p.BUILD)),
    case("made by copyreg", model(COPYREG + attributes() + p.BUILD)),
    case("kept", model(WRAPPER)),
    case("compressed arrays", model(p.new(p.name("joblib.numpy_pickle", "ZNDArrayWrapper")) + attributes() + p.BUILD)),
]  # fmt: skip


if __name__ == "__main__":
    document = {"description": "Pickles of joblib 0.9 and the files beside them.", "cases": CASES}
    (_HERE / "companions.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
