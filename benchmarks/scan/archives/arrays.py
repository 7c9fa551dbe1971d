"""NumPy's, joblib's and pandas' files with pickles in them."""

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.scan import companions
from benchmarks.scan.archives.parts import PAYLOAD, Payload, framework, tarred, zipped
from benchmarks.scan.assemble import Call, Ref, stream
from benchmarks.scan.samples import Sample, single

ARRAYS: Final = "numpy, joblib, pandas"


def _npy(descr: str, data: bytes, *, version: int = 1, shape: str = "(1,)") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    size = 2 if version == 1 else 4
    header += b" " * (-(len(header) + 9 + size) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(size, "little") + header + data


def arrays() -> Iterator[Sample]:
    """Yield files of arrays and tables."""
    numpy = framework("numpy")
    benign = pickle.dumps(numpy.array([None, "x"], object), 2)
    for version in (1, 2, 3):
        for label, descr in (
            ("object", "'|O'"),
            ("object8", "'O8'"),
            ("record", "[('a', '<f8'), ('b', '|O')]"),
            ("nested", "[('a', [('b', '|O')])]"),
            ("sub", "[('a', '|O', (2,))]"),
            ("object-name", "'object'"),
        ):
            yield single(
                f"npy-{label}-{version}",
                ARRAYS,
                "model.npy",
                _npy(descr, PAYLOAD, version=version),
                loaders=("numpy",),
                twin=_npy("'|O'", benign, version=version),
            )
    yield single("npy-trailing", ARRAYS, "model.npy", _npy("'<f8'", b"\0" * 8 + PAYLOAD))
    yield single(
        "npy-scalar", ARRAYS, "model.npy", _npy("'|O'", PAYLOAD, shape="()"), loaders=("numpy",)
    )
    yield single(
        "npy-empty", ARRAYS, "model.npy", _npy("'|O'", PAYLOAD, shape="(0,)"), loaders=("numpy",)
    )
    yield single("npy-huge", ARRAYS, "model.npy", _npy("'<f8'", b"", shape=f"({1 << 62},)"))
    yield single("npy-negative", ARRAYS, "model.npy", _npy("'<f8'", b"\0" * 8, shape="(-1,)"))
    yield single(
        "npy-code-header", ARRAYS, "model.npy", _npy("__import__('os').system('x')", b"\0" * 8)
    )
    yield single("npy-version-9", ARRAYS, "model.npy", _npy("'|O'", PAYLOAD, version=9))
    yield single("npy-raw-pickle", ARRAYS, "model.npy", PAYLOAD, loaders=("numpy",), twin=None)
    yield single("npz-raw-pickle", ARRAYS, "model.npz", PAYLOAD, loaders=("numpy",), twin=None)
    yield single(
        "npy-text-name", ARRAYS, "data.txt", _npy("'|O'", PAYLOAD), loaders=("numpy",), twin=None
    )
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        good = zipped([("a.npy", _npy("'<f8'", b"\0" * 8))], method=method)
        yield single(
            f"npz-object-{method}",
            ARRAYS,
            "model.npz",
            zipped([("a.npy", _npy("'|O'", PAYLOAD))], method=method),
            loaders=("numpy:npz",),
            twin=good,
        )
        yield single(
            f"npz-no-suffix-{method}",
            ARRAYS,
            "model.npz",
            zipped([("a", _npy("'|O'", PAYLOAD))], method=method),
            loaders=("numpy:npz",),
            twin=good,
        )
        yield single(
            f"npz-second-{method}",
            ARRAYS,
            "model.npz",
            zipped(
                [("a.npy", _npy("'<f8'", b"\0" * 8)), ("b.npy", _npy("'|O'", PAYLOAD))],
                method=method,
            ),
            loaders=("numpy:npz",),
            twin=good,
        )
    yield from _joblib(numpy)
    yield from _pandas()


def _joblib(numpy: Any) -> Iterator[Sample]:
    """Yield what joblib writes, with and without a payload, by every compressor."""
    joblib = framework("joblib")

    def dumped(value: object, **options: object) -> bytes:
        stream_ = io.BytesIO()
        joblib.dump(value, stream_, **options)
        return stream_.getvalue()

    array = numpy.arange(5.0)
    values: dict[str, tuple[object, object]] = {
        "plain": ([Payload()], [1]),
        "before-array": ([Payload(), array], [1, array]),
        "behind-array": ([array, Payload()], [array, 1]),
        "two-arrays": ([array, array + 1, Payload()], [array, array + 1, 1]),
        "object-array": ([numpy.array([Payload()], object)], [numpy.array(["x"], object)]),
        "object-array-behind": (
            [array, numpy.array([Payload(), 1], object)],
            [array, numpy.array(["x", 1], object)],
        ),
        "record-array": (
            [numpy.array([(1, Payload())], dtype=[("a", "i4"), ("b", object)])],
            [numpy.array([(1, "x")], dtype=[("a", "i4"), ("b", object)])],
        ),
        "fortran": (
            [numpy.asfortranarray(numpy.eye(3)), Payload()],
            [numpy.asfortranarray(numpy.eye(3)), 1],
        ),
        "dict": ({"a": array, "b": Payload()}, {"a": array, "b": 1}),
    }
    for label, (bad, good) in values.items():
        yield single(
            f"joblib-{label}",
            ARRAYS,
            "model.joblib",
            dumped(bad),
            loaders=("joblib",),
            twin=dumped(good),
        )
        yield single(
            f"joblib-{label}-pkl",
            ARRAYS,
            "model.pkl",
            dumped(bad),
            loaders=("joblib",),
            twin=dumped(good),
        )
        for method in ("zlib", "gzip", "bz2", "xz", "lzma", "lz4"):
            yield single(
                f"joblib-{label}-{method}",
                ARRAYS,
                f"model.joblib.{method}",
                dumped(bad, compress=(method, 3)),
                loaders=("joblib",),
                twin=dumped(good, compress=(method, 3)),
            )
    for protocol in (2, 3, 4, 5):
        yield single(
            f"joblib-protocol-{protocol}",
            ARRAYS,
            "model.joblib",
            dumped([array, Payload()], protocol=protocol),
            loaders=("joblib",),
            twin=dumped([array, 1], protocol=protocol),
        )
    yield single("joblib-trailing", ARRAYS, "model.joblib", dumped([array]) + PAYLOAD)
    for wrapper in ("NDArrayWrapper", "ZNDArrayWrapper"):
        yield single(
            f"joblib-{wrapper}",
            ARRAYS,
            "model.joblib",
            stream(
                Call(Ref("joblib.numpy_pickle", wrapper), ("../../x.npy", Ref("numpy", "ndarray"))),
                protocol=2,
            ),
        )
    yield from companions.samples(ARRAYS, payload=PAYLOAD)
    old = b"ZF" + b"0x" + b"%017x" % len(PAYLOAD) + zlib.compress(PAYLOAD)
    yield single("joblib-zfile", ARRAYS, "model.joblib", old)


def _pandas() -> Iterator[Sample]:
    """Yield what `pandas.read_pickle` opens by its name."""
    frame = framework("pandas").DataFrame({"a": [1, 2], "b": ["x", "y"]})
    good = pickle.dumps(frame, 5)
    makers: dict[str, Callable[[bytes], bytes]] = {
        "": lambda d: d, ".gz": lambda d: gzip.compress(d, mtime=0), ".bz2": bz2.compress, ".xz": lzma.compress,
        ".zip": lambda d: zipped([("model.pkl", d)], method=zipfile.ZIP_DEFLATED), ".tar": lambda d: tarred([("model.pkl", d)]),
        ".tar.gz": lambda d: tarred([("model.pkl", d)], mode="w:gz"), ".tar.xz": lambda d: tarred([("model.pkl", d)], mode="w:xz"),
        ".zst": lambda d: bytes(framework("zstandard").compress(d)),
    }  # fmt: skip
    for suffix, make in makers.items():
        yield single(
            f"pandas-pkl{suffix}",
            ARRAYS,
            f"model.pkl{suffix}",
            make(PAYLOAD),
            loaders=("pandas",),
            twin=make(good),
        )
    series = b"\x80\x02cpandas\nSeries\nq\0(]X\x01\0\0\0atR0" + PAYLOAD[2:]
    yield single(
        "pandas-series",
        ARRAYS,
        "model.pkl",
        series,
        loaders=("pandas",),
        twin=pickle.dumps(frame["a"], 4),
    )
    old = b"\x80\x02cpandas.core.series\nTimeSeries\n)\x810" + PAYLOAD[2:]
    yield single("pandas-old-names", ARRAYS, "model.pkl", old, loaders=("pandas",))
