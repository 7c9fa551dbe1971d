"""
Checkpoints and arrays in every container: torch, zip, NumPy, joblib, pandas, and compression.

Written with the frameworks themselves where they can be had, so that the files are what a
loader meets; then changed byte by byte.
"""

import bz2
import gzip
import importlib
import io
import lzma
import os
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from benchmarks.scan import companions
from benchmarks.scan.assemble import Call, Ref, stream
from benchmarks.scan.samples import SHELL, Sample, single

TORCH: Final = "zip and torch"
CONTAINERS: Final = "containers"
ARRAYS: Final = "numpy, joblib, pandas"

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_PAYLOAD: Final = stream(Call(Ref("os", "system"), (SHELL,)), protocol=2)
_BENIGN: Final = pickle.dumps({"weights": [1.0, 2.0]}, 2)


class Payload:
    """Runs the inert command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (SHELL,)


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _zip(
    members: list[tuple[str, bytes]],
    *,
    method: int = zipfile.ZIP_STORED,
    before: bytes = b"",
    comment: bytes = b"",
) -> bytes:
    """Return a zip; names may repeat."""
    stream_ = io.BytesIO()
    with zipfile.ZipFile(stream_, "w", method) as archive:
        archive.comment = comment
        for name, data in members:
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = method
            archive.writestr(info, data)
    return before + stream_.getvalue()


def _tar(
    members: list[tuple[str, bytes]], *, mode: Literal["w", "w:gz", "w:bz2", "w:xz"] = "w"
) -> bytes:
    stream_ = io.BytesIO()
    with tarfile.open(fileobj=stream_, mode=mode) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream_.getvalue()


def _saved(value: object, **options: object) -> bytes:
    """Return what `torch.save` writes."""
    stream_ = io.BytesIO()
    _module("torch").save(value, stream_, **options)
    return stream_.getvalue()


def _members(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def _torch() -> Iterator[Sample]:
    torch = _module("torch")
    tensors = {"weight": torch.arange(4.0), "bias": torch.zeros(2)}
    bad, good = _saved({**tensors, "x": Payload()}), _saved(tensors)
    loaders = ("torch",)

    def one(
        label: str,
        data: bytes,
        *,
        twin: bytes | None = good,
        loads: tuple[str, ...] = loaders,
        name: str = "model.pt",
        references: tuple[str, ...] = (),
    ) -> Sample:
        return single(
            f"torch-{label}", TORCH, name, data, loaders=loads, twin=twin, references=references
        )

    yield one("zip", bad)
    for name in (
        "model.bin",
        "model.pth",
        "model.ckpt",
        "pytorch_model.bin",
        "model.txt",
        "model.safetensors",
        "model",
        "model.pkl",
    ):
        yield one(
            f"zip-{name}",
            bad,
            name=name,
            twin=good if name not in {"model.txt", "model.safetensors"} else None,
        )
    legacy = {"_use_new_zipfile_serialization": False}
    yield one(
        "legacy", _saved({**tensors, "x": Payload()}, **legacy), twin=_saved(tensors, **legacy)
    )
    yield one("legacy-no-tensors", _saved([Payload()], **legacy), twin=_saved([1], **legacy))
    yield one("legacy-appended", _saved(tensors, **legacy) + _PAYLOAD, twin=None, loads=())
    hexed = b"\x80\x02L0x1950a86a20f9469cfc6cL\n." + _saved([Payload()], **legacy)[15:]
    yield one("legacy-hex-magic", hexed, twin=None, loads=())
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    for number in range(5):
        parts = [
            magic,
            pickle.dumps(1001, 2),
            pickle.dumps({}, 2),
            pickle.dumps({"a": 1}, 2),
            pickle.dumps([], 2),
        ]
        parts[number] = _PAYLOAD
        yield one(
            f"legacy-stream-{number}",
            b"".join(parts),
            twin=None,
        )
    for protocol in (3, 4, 5):
        yield one(
            f"protocol-{protocol}",
            _saved([Payload()], pickle_protocol=protocol),
            twin=_saved([1], pickle_protocol=protocol),
        )
    parts_of = _members(bad)
    clean = _members(good)
    root = parts_of[0][0].partition("/")[0]
    at = [name for name, _ in parts_of].index(f"{root}/data.pkl")
    pickled, benign = parts_of[at][1], next(d for n, d in clean if n.endswith("data.pkl"))

    def with_pickles(*pickles: tuple[str, bytes], **options: Any) -> bytes:
        return _zip(
            [
                *((f"{root}/{n}", d) for n, d in pickles),
                *(m for i, m in enumerate(parts_of) if i != at),
            ],
            **options,
        )

    yield one(
        "duplicate-first", with_pickles(("data.pkl", pickled), ("data.pkl", benign)), twin=None
    )
    yield one(
        "duplicate-last",
        with_pickles(("data.pkl", benign), ("data.pkl", pickled)),
        twin=None,
    )
    yield one("case", with_pickles(("DATA.PKL", pickled)), twin=None)
    yield one("case-first", with_pickles(("Data.pkl", pickled), ("data.pkl", benign)), twin=None)
    yield one(
        "case-second",
        with_pickles(("data.pkl", benign), ("DATA.PKL", pickled)),
        twin=None,
    )
    yield one(
        "two-roots",
        _zip([("other/data.pkl", pickled), ("other/version", b"3\n"), *clean]),
        twin=None,
        loads=(),
    )
    yield one(
        "deflated", with_pickles(("data.pkl", pickled), method=zipfile.ZIP_DEFLATED), twin=None
    )
    yield one(
        "bzip2", with_pickles(("data.pkl", pickled), method=zipfile.ZIP_BZIP2), twin=None, loads=()
    )
    yield one(
        "prefix",
        with_pickles(("data.pkl", pickled), before=b"\x7fELF" + b"\0" * 60),
        twin=None,
        loads=(),
    )
    yield one(
        "comment",
        with_pickles(("data.pkl", pickled), comment=b"PK\x05\x06" + b"\0" * 18),
        twin=None,
        loads=(),
    )
    yield one(
        "extra-pickle",
        _zip([*clean, (f"{clean[0][0].partition('/')[0]}/extra/hook", _PAYLOAD)]),
        twin=None,
        loads=("zip",),
    )
    yield one(
        "python-member",
        _zip([*clean, (f"{root}/code/hook.py", b"import os\nos.system('x')\n")]),
        twin=None,
        loads=(),
    )
    zipped = with_pickles(("data.pkl", pickled))
    for label, changed in _twisted(zipped):
        yield one(
            f"zip-{label}",
            changed,
            twin=None,
            loads=(),
            references=("CVE-2025-10156",)
            if label == "crc"
            else ("CVE-2025-1944", "CVE-2025-1945")
            if label in {"name", "flags"}
            else (),
        )
    yield one(
        "tar-legacy",
        _tar(
            [
                ("sys_info", pickle.dumps({}, 2)),
                ("pickle", _PAYLOAD),
                ("storages", pickle.dumps(0, 2)),
                ("tensors", pickle.dumps(0, 2)),
            ]
        ),
        twin=None,
    )
    yield one("plain-pickle", _PAYLOAD, twin=_BENIGN, loads=("pickle",))
    yield one(
        "polyglot-pickle-zip",
        _PAYLOAD + good,
        twin=None,
        loads=("pickle",),
    )
    yield one("polyglot-zip-pickle", good + _PAYLOAD, twin=None, loads=())
    yield one("nested-load", _nested(torch), twin=None)
    yield one(
        "tensor-beyond", _beyond(bad, good), twin=None, loads=(), references=("CVE-2026-24747",)
    )
    yield from _scripts(torch, one)
    yield from _packages()


def _nested(torch: Any) -> bytes:
    """Return a checkpoint whose storage is a checkpoint with a payload."""
    inner = _saved([Payload()])

    class Outer:
        def __reduce__(self) -> tuple[Any, tuple[bytes]]:
            return torch.storage._load_from_bytes, (inner,)  # noqa: SLF001  what pickles name

    return _saved([Outer()])


def _beyond(_bad: bytes, good: bytes) -> bytes:
    """Return a checkpoint of which a tensor reaches past its storage."""
    members = _members(good)
    return _zip(
        [
            (n, d.replace(b"K\x04\x85", b"K\x44\x85", 1) if n.endswith("data.pkl") else d)
            for n, d in members
        ]
    )


def _twisted(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield archives of which the local headers and the directory disagree."""
    directory = data.rfind(b"PK\x01\x02", 0, data.rfind(b"PK\x05\x06"))
    first = data.find(b"PK\x01\x02")
    for label, offset, value in (
        ("flags", 8, b"\x01\0"),
        ("version", 6, b"\xff\0"),
        ("crc", 16, b"\1\2\3\4"),
        ("method", 10, b"\x63\0"),
        ("size", 24, b"\1\0\0\0"),
        ("compressed", 20, b"\1\0\0\0"),
        ("offset", 42, b"\4\0\0\0"),
        ("name-length", 28, b"\x02\0"),
    ):
        yield label, data[: first + offset] + value + data[first + offset + len(value) :]
        yield (
            f"last-{label}",
            data[: directory + offset] + value + data[directory + offset + len(value) :],
        )
    for label, offset, value in (
        ("local-flags", 6, b"\1\0"),
        ("local-crc", 14, b"\1\2\3\4"),
        ("local-size", 22, b"\1\0\0\0"),
        ("local-method", 8, b"\x08\0"),
        ("local-version", 4, b"\xff\0"),
        ("local-name", 30, b"xx"),
    ):
        yield label, data[:offset] + value + data[offset + len(value) :]
    yield "name", data[:first].replace(b"data.pkl", b"datap.kl") + data[first:]
    yield "name-central", data[:first] + data[first:].replace(b"data.pkl", b"datap.kl")
    yield "truncated", data[: len(data) - 10]
    yield "no-end", data[: data.rfind(b"PK\x05\x06")]
    yield "two-ends", data + b"PK\x05\x06" + b"\0" * 18
    yield "trailing", data + b"junk" * 10
    end = data.rfind(b"PK\x05\x06")
    yield "count", data[: end + 8] + b"\1\0\1\0" + data[end + 12 :]
    yield "zip64", data[: end + 16] + b"\xff\xff\xff\xff" + data[end + 20 :]


def _scripts(torch: Any, one: Callable[..., Sample]) -> Iterator[Sample]:
    """Yield TorchScript archives that read and write files when they are called."""
    from pathlib import Path  # noqa: PLC0415  only here
    from tempfile import TemporaryDirectory  # noqa: PLC0415  only here

    with TemporaryDirectory() as place:
        source = Path(place) / "weighbridge_scripts.py"
        source.write_text(
            "import torch\n"
            "class Reads(torch.nn.Module):\n"
            "    def forward(self):\n"
            "        return torch.from_file('weighbridge-marker', True, 1)\n"
            "class Adds(torch.nn.Module):\n"
            "    def forward(self, x):\n"
            "        return x + 1\n"
            "class Saves(torch.nn.Module):\n"
            "    def forward(self, x):\n"
            "        torch.save(x, 'weighbridge-marker')\n"
            "        return x\n"
        )
        import sys  # noqa: PLC0415  only here

        sys.path.insert(0, place)
        module = _module("weighbridge_scripts")
        files = {}
        for name in ("Reads", "Adds", "Saves"):
            stream_ = io.BytesIO()
            try:
                torch.jit.save(torch.jit.script(getattr(module, name)()), stream_)
            except (RuntimeError, TypeError, OSError):
                continue
            files[name] = stream_.getvalue()
        sys.path.remove(place)
    yield one(
        "script-from-file",
        files["Reads"],
        twin=files["Adds"],
        loads=("torch:script",),
        references=("CVE-2025-32434",),
    )
    if "Saves" in files:
        yield one(
            "script-save", files["Saves"], twin=None, loads=(), references=("CVE-2025-32434",)
        )
    members = _members(files["Adds"])
    root = members[0][0].partition("/")[0]
    yield one(
        "script-payload",
        _zip([(n, _PAYLOAD if n == f"{root}/data.pkl" else d) for n, d in members]),
        twin=None,
        loads=("torch",),
    )
    yield one(
        "script-constants",
        _zip([(n, _PAYLOAD if n == f"{root}/constants.pkl" else d) for n, d in members]),
        twin=None,
        loads=(),
    )


def _packages() -> Iterator[Sample]:
    """Yield archives that carry Python or native code by design."""
    stream_ = io.BytesIO()
    package = _module("torch.package")
    with package.PackageExporter(stream_) as exporter:
        exporter.save_source_string("hook", "import os\nos.system('''" + SHELL + "''')\nX = 1\n")
        exporter.extern("**")
        exporter.save_text("notes", "readme.txt", "x")
    yield single("torch-package", TORCH, "model.pt", stream_.getvalue())
    native = b"\x7fELF\x02\x01\x01" + b"\0" * 57
    yield single(
        "torch-pt2-native",
        TORCH,
        "model.pt2",
        _zip(
            [
                ("model/archive_format", b"pt2"),
                ("model/version", b"0"),
                ("model/data/aotinductor/model/code.so", native),
                ("model/byteorder", b"little"),
            ]
        ),
    )
    yield single(
        "torch-mar",
        TORCH,
        "model.mar",
        _zip(
            [
                (
                    "MAR-INF/MANIFEST.json",
                    b'{"model": {"handler": "handler.py", "modelName": "m"}}',
                ),
                ("handler.py", b"import os\nos.system('x')\n"),
                ("model.pt", _saved([Payload()])),
            ]
        ),
    )
    yield single(
        "torch-mar-plain",
        TORCH,
        "model.mar",
        _zip(
            [
                (
                    "MAR-INF/MANIFEST.json",
                    b'{"model": {"handler": "handler.py", "modelName": "m"}}',
                ),
                ("handler.py", b"x = 1\n"),
            ]
        ),
    )


def _containers() -> Iterator[Sample]:
    """Yield a payload in every container, alone and within others."""
    makers: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
        "zip": (
            "model.zip",
            lambda d: _zip([("model.pkl", d)], method=zipfile.ZIP_DEFLATED),
            "zip",
        ),
        "zip-plain-name": ("model.zip", lambda d: _zip([("weights", d)]), "zip"),
        "zip-odd-name": ("model.zip", lambda d: _zip([("notes.txt", d)]), "zip"),
        "tar": ("model.tar", lambda d: _tar([("model.pkl", d)]), "tar"),
        "tgz": ("model.tar.gz", lambda d: _tar([("model.pkl", d)], mode="w:gz"), "tar"),
        "tbz": ("model.tar.bz2", lambda d: _tar([("model.pkl", d)], mode="w:bz2"), "tar"),
        "txz": ("model.tar.xz", lambda d: _tar([("model.pkl", d)], mode="w:xz"), "tar"),
        "gzip": ("model.pkl.gz", lambda d: gzip.compress(d, mtime=0), "gzip"),
        "bzip2": ("model.pkl.bz2", bz2.compress, "bz2"),
        "xz": ("model.pkl.xz", lzma.compress, "lzma"),
        "lzma": ("model.pkl.lzma", lambda d: lzma.compress(d, format=lzma.FORMAT_ALONE), "lzma"),
        "zlib": ("model.pkl.z", zlib.compress, ""),
        "raw-deflate": ("model.pkl.deflate", lambda d: zlib.compress(d)[2:-4], ""),
        "lz4": ("model.pkl.lz4", lambda d: bytes(_module("lz4.frame").compress(d)), "lz4.frame"),
        "zstd": ("model.pkl.zst", lambda d: bytes(_module("zstandard").compress(d)), ""),
        "7z": ("model.7z", _seven, ""),
    }
    for label, (name, make, loader) in makers.items():
        known = loader if loader in {"zip", "tar", "gzip", "bz2", "lzma"} else ""
        yield single(
            f"container-{label}",
            CONTAINERS,
            name,
            make(_PAYLOAD),
            loaders=(known,) if known else (),
            twin=make(_BENIGN),
            references=("CVE-2025-1889",) if label == "zip-odd-name" else (),
        )
        yield single(f"container-{label}-lying", CONTAINERS, "model.bin", make(_PAYLOAD))
        for outer in ("zip", "tgz", "7z", "zstd", "gzip"):
            wrap = makers[outer][1]
            yield single(
                f"container-{label}-in-{outer}",
                CONTAINERS,
                makers[outer][0],
                wrap(make(_PAYLOAD)),
                twin=wrap(make(_BENIGN)),
            )
    for outer in ("zip", "gzip", "tar", "xz"):
        bad, good = _PAYLOAD, _BENIGN
        for _ in range(5):
            bad, good = makers[outer][1](bad), makers[outer][1](good)
        yield single(f"container-deep-{outer}", CONTAINERS, makers[outer][0], bad, twin=good)
    yield from _escapes()
    yield single(
        "container-encrypted-zip",
        CONTAINERS,
        "model.zip",
        _flagged(_zip([("model.pkl", _PAYLOAD)])),
    )
    yield single(
        "container-two-gzip",
        CONTAINERS,
        "model.pkl.gz",
        gzip.compress(_BENIGN[:10], mtime=0) + gzip.compress(_PAYLOAD, mtime=0),
    )
    yield single(
        "container-concatenated-bz2",
        CONTAINERS,
        "model.pkl.bz2",
        bz2.compress(_PAYLOAD[:10]) + bz2.compress(_PAYLOAD[10:]),
        loaders=("bz2",),
    )
    yield single(
        "container-concatenated-gzip",
        CONTAINERS,
        "model.pkl.gz",
        gzip.compress(_PAYLOAD[:10], mtime=0) + gzip.compress(_PAYLOAD[10:], mtime=0),
        loaders=("gzip",),
    )
    yield single(
        "container-gzip-trailing",
        CONTAINERS,
        "model.pkl.gz",
        gzip.compress(_BENIGN, mtime=0) + _PAYLOAD,
    )
    yield single(
        "container-zlib-trailing", CONTAINERS, "model.pkl.z", zlib.compress(_BENIGN) + _PAYLOAD
    )


def _seven(data: bytes) -> bytes:
    stream_ = io.BytesIO()
    with _module("py7zr").SevenZipFile(stream_, "w") as archive:
        archive.writestr(data, "model.pkl")
    return stream_.getvalue()


def _flagged(data: bytes) -> bytes:
    """Return a zip of which every entry says that it is encrypted."""
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature) + offset
        data = data[:at] + b"\1\0" + data[at + 2 :]
    return data


def _escapes() -> Iterator[Sample]:
    """Yield archives whose members leave the directory, or stand for each other."""
    plain = b"weights"
    for label, names in (
        ("parent", ["../../weighbridge-marker"]), ("absolute", ["/tmp/weighbridge-marker"]), ("backslash", ["..\\..\\weighbridge-marker"]),
        ("drive", ["C:\\weighbridge-marker"]), ("duplicate", ["a.txt", "a.txt"]), ("case", ["a.txt", "A.TXT"]), ("unicode", ["caf\u00e9.txt", "cafe\u0301.txt"]),
        ("dot", ["a/../../b"]), ("empty", [""]),
    ):  # fmt: skip
        members = [(name, plain) for name in names]
        if label != "empty":
            yield single(
                f"escape-tar-{label}",
                CONTAINERS,
                "model.tar",
                _tar(members),
                twin=_tar([("a.txt", plain)]),
            )
        yield single(
            f"escape-zip-{label}",
            CONTAINERS,
            "model.zip",
            _zip(members),
            twin=_zip([("a.txt", plain)]),
        )
    for label, kind, target in (
        ("symlink", tarfile.SYMTYPE, "/etc/passwd"),
        ("hardlink", tarfile.LNKTYPE, "../../etc/passwd"),
        ("device", tarfile.CHRTYPE, ""),
        ("fifo", tarfile.FIFOTYPE, ""),
    ):
        stream_ = io.BytesIO()
        with tarfile.open(fileobj=stream_, mode="w") as archive:
            info = tarfile.TarInfo("weights")
            info.type, info.linkname = kind, target
            archive.addfile(info)
        yield single(f"escape-tar-{label}", CONTAINERS, "model.tar", stream_.getvalue())
    entry = zipfile.ZipInfo("weights", _DATE)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    stream_ = io.BytesIO()
    with zipfile.ZipFile(stream_, "w") as archive_:
        archive_.writestr(entry, "/etc/passwd")
    yield single("escape-zip-symlink", CONTAINERS, "model.zip", stream_.getvalue())


def _npy(descr: str, data: bytes, *, version: int = 1, shape: str = "(1,)") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    size = 2 if version == 1 else 4
    header += b" " * (-(len(header) + 9 + size) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(size, "little") + header + data


def _arrays() -> Iterator[Sample]:
    numpy = _module("numpy")
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
                _npy(descr, _PAYLOAD, version=version),
                loaders=("numpy",),
                twin=_npy("'|O'", benign, version=version),
            )
    yield single("npy-trailing", ARRAYS, "model.npy", _npy("'<f8'", b"\0" * 8 + _PAYLOAD))
    yield single(
        "npy-scalar", ARRAYS, "model.npy", _npy("'|O'", _PAYLOAD, shape="()"), loaders=("numpy",)
    )
    yield single(
        "npy-empty", ARRAYS, "model.npy", _npy("'|O'", _PAYLOAD, shape="(0,)"), loaders=("numpy",)
    )
    yield single("npy-huge", ARRAYS, "model.npy", _npy("'<f8'", b"", shape=f"({1 << 62},)"))
    yield single("npy-negative", ARRAYS, "model.npy", _npy("'<f8'", b"\0" * 8, shape="(-1,)"))
    yield single(
        "npy-code-header", ARRAYS, "model.npy", _npy("__import__('os').system('x')", b"\0" * 8)
    )
    yield single("npy-version-9", ARRAYS, "model.npy", _npy("'|O'", _PAYLOAD, version=9))
    yield single("npy-raw-pickle", ARRAYS, "model.npy", _PAYLOAD, loaders=("numpy",), twin=None)
    yield single("npz-raw-pickle", ARRAYS, "model.npz", _PAYLOAD, loaders=("numpy",), twin=None)
    yield single(
        "npy-text-name", ARRAYS, "data.txt", _npy("'|O'", _PAYLOAD), loaders=("numpy",), twin=None
    )
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        good = _zip([("a.npy", _npy("'<f8'", b"\0" * 8))], method=method)
        yield single(
            f"npz-object-{method}",
            ARRAYS,
            "model.npz",
            _zip([("a.npy", _npy("'|O'", _PAYLOAD))], method=method),
            loaders=("numpy:npz",),
            twin=good,
        )
        yield single(
            f"npz-no-suffix-{method}",
            ARRAYS,
            "model.npz",
            _zip([("a", _npy("'|O'", _PAYLOAD))], method=method),
            loaders=("numpy:npz",),
            twin=good,
        )
        yield single(
            f"npz-second-{method}",
            ARRAYS,
            "model.npz",
            _zip(
                [("a.npy", _npy("'<f8'", b"\0" * 8)), ("b.npy", _npy("'|O'", _PAYLOAD))],
                method=method,
            ),
            loaders=("numpy:npz",),
            twin=good,
        )
    yield from _joblib(numpy)
    yield from _pandas()


def _joblib(numpy: Any) -> Iterator[Sample]:
    """Yield what joblib writes, with and without a payload, by every compressor."""
    joblib = _module("joblib")

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
    yield single("joblib-trailing", ARRAYS, "model.joblib", dumped([array]) + _PAYLOAD)
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
    yield from companions.samples(ARRAYS, payload=_PAYLOAD)
    old = b"ZF" + b"0x" + b"%017x" % len(_PAYLOAD) + zlib.compress(_PAYLOAD)
    yield single("joblib-zfile", ARRAYS, "model.joblib", old)


def _pandas() -> Iterator[Sample]:
    """Yield what `pandas.read_pickle` opens by its name."""
    frame = _module("pandas").DataFrame({"a": [1, 2], "b": ["x", "y"]})
    good = pickle.dumps(frame, 5)
    makers: dict[str, Callable[[bytes], bytes]] = {
        "": lambda d: d, ".gz": lambda d: gzip.compress(d, mtime=0), ".bz2": bz2.compress, ".xz": lzma.compress,
        ".zip": lambda d: _zip([("model.pkl", d)], method=zipfile.ZIP_DEFLATED), ".tar": lambda d: _tar([("model.pkl", d)]),
        ".tar.gz": lambda d: _tar([("model.pkl", d)], mode="w:gz"), ".tar.xz": lambda d: _tar([("model.pkl", d)], mode="w:xz"),
        ".zst": lambda d: bytes(_module("zstandard").compress(d)),
    }  # fmt: skip
    for suffix, make in makers.items():
        yield single(
            f"pandas-pkl{suffix}",
            ARRAYS,
            f"model.pkl{suffix}",
            make(_PAYLOAD),
            loaders=("pandas",),
            twin=make(good),
        )
    series = b"\x80\x02cpandas\nSeries\nq\0(]X\x01\0\0\0atR0" + _PAYLOAD[2:]
    yield single(
        "pandas-series",
        ARRAYS,
        "model.pkl",
        series,
        loaders=("pandas",),
        twin=pickle.dumps(frame["a"], 4),
    )
    old = b"\x80\x02cpandas.core.series\nTimeSeries\n)\x810" + _PAYLOAD[2:]
    yield single("pandas-old-names", ARRAYS, "model.pkl", old, loaders=("pandas",))


def samples() -> Iterator[Sample]:
    """Yield every sample of the three groups."""
    yield from _torch()
    yield from _containers()
    yield from _arrays()
