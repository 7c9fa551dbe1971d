"""Pickles of joblib 0.9, each array of which is in a file beside them that joblib unpickles."""

import pickle
from collections.abc import Iterator
from typing import Final

from benchmarks.scan.assemble import Build, Call, Items, Raw, Ref, stream
from benchmarks.scan.samples import PYTHON, Sample

_MODEL: Final = "model.pkl"
_BESIDE: Final = "model.pkl_01.npy"
_TEXT: Final = f"cbuiltins\nexec\n(V{PYTHON}\ntR.".encode()


def samples(group: str, *, payload: bytes) -> Iterator[Sample]:
    """Yield the samples of *group*; *payload* is a pickle that executes something."""
    import numpy  # noqa: ICN001, PLC0415  only where samples are made

    good = _npy(pickle.dumps(numpy.array([None], object), 2))
    twin = {_MODEL: _model(_BESIDE), _BESIDE: good}
    attacks = {
        "pickle": (_BESIDE, payload),
        "objects": (_BESIDE, _npy(payload)),
        "below": ("sub/model.pkl_01.npy", payload),
        "text": ("notes.txt", _TEXT),
        "picture": ("a.png", payload),
    }
    for label, (path, data) in attacks.items():
        yield Sample(
            id=f"joblib-beside-{label}",
            group=group,
            files={_MODEL: _model(path), path: data},
            loaders=("joblib",),
            twin=twin,
        )


def _npy(pickled: bytes) -> bytes:
    """Return NumPy's file of one object."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + pickled


def _model(path: str) -> bytes:
    """Return a pickle whose array is in the file *path*."""
    state = Items(
        Raw(b"}"),
        (("filename", path), ("allow_mmap", False), ("subclass", Ref("numpy", "ndarray"))),
    )
    wrapper = Call(Ref("joblib.numpy_pickle", "NDArrayWrapper"), (), "newobj")
    return stream(Build(wrapper, state), protocol=2)
