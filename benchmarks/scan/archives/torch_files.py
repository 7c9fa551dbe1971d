"""PyTorch's checkpoints, programs and packages, with something else in them."""

import io
import pickle
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.scan.archives.parts import (
    BENIGN,
    PAYLOAD,
    Payload,
    framework,
    members_of,
    saved,
    tarred,
    zipped,
)
from benchmarks.scan.samples import SHELL, Sample, single

TORCH: Final = "zip and torch"


def checkpoints() -> Iterator[Sample]:
    """Yield PyTorch's files."""
    torch = framework("torch")
    tensors = {"weight": torch.arange(4.0), "bias": torch.zeros(2)}
    bad, good = saved({**tensors, "x": Payload()}), saved(tensors)
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
    yield one("legacy", saved({**tensors, "x": Payload()}, **legacy), twin=saved(tensors, **legacy))
    yield one("legacy-no-tensors", saved([Payload()], **legacy), twin=saved([1], **legacy))
    yield one("legacy-appended", saved(tensors, **legacy) + PAYLOAD, twin=None, loads=())
    hexed = b"\x80\x02L0x1950a86a20f9469cfc6cL\n." + saved([Payload()], **legacy)[15:]
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
        parts[number] = PAYLOAD
        yield one(
            f"legacy-stream-{number}",
            b"".join(parts),
            twin=None,
        )
    for protocol in (3, 4, 5):
        yield one(
            f"protocol-{protocol}",
            saved([Payload()], pickle_protocol=protocol),
            twin=saved([1], pickle_protocol=protocol),
        )
    parts_of = members_of(bad)
    clean = members_of(good)
    root = parts_of[0][0].partition("/")[0]
    at = [name for name, _ in parts_of].index(f"{root}/data.pkl")
    pickled, benign = parts_of[at][1], next(d for n, d in clean if n.endswith("data.pkl"))

    def with_pickles(*pickles: tuple[str, bytes], **options: Any) -> bytes:
        return zipped(
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
        zipped([("other/data.pkl", pickled), ("other/version", b"3\n"), *clean]),
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
        zipped([*clean, (f"{clean[0][0].partition('/')[0]}/extra/hook", PAYLOAD)]),
        twin=None,
        loads=("zip",),
    )
    yield one(
        "python-member",
        zipped([*clean, (f"{root}/code/hook.py", b"import os\nos.system('x')\n")]),
        twin=None,
        loads=(),
    )
    whole = with_pickles(("data.pkl", pickled))
    for label, changed in _twisted(whole):
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
        tarred(
            [
                ("sys_info", pickle.dumps({}, 2)),
                ("pickle", PAYLOAD),
                ("storages", pickle.dumps(0, 2)),
                ("tensors", pickle.dumps(0, 2)),
            ]
        ),
        twin=None,
    )
    yield one("plain-pickle", PAYLOAD, twin=BENIGN, loads=("pickle",))
    yield one(
        "polyglot-pickle-zip",
        PAYLOAD + good,
        twin=None,
        loads=("pickle",),
    )
    yield one("polyglot-zip-pickle", good + PAYLOAD, twin=None, loads=())
    yield one("nested-load", _nested(torch), twin=None)
    yield one(
        "tensor-beyond", _beyond(bad, good), twin=None, loads=(), references=("CVE-2026-24747",)
    )
    yield from _scripts(torch, one)
    yield from _packages()


def _nested(torch: Any) -> bytes:
    """Return a checkpoint whose storage is a checkpoint with a payload."""
    inner = saved([Payload()])

    class Outer:
        def __reduce__(self) -> tuple[Any, tuple[bytes]]:
            return torch.storage._load_from_bytes, (inner,)  # noqa: SLF001  what pickles name

    return saved([Outer()])


def _beyond(_bad: bytes, good: bytes) -> bytes:
    """Return a checkpoint of which a tensor reaches past its storage."""
    members = members_of(good)
    return zipped(
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
        module = framework("weighbridge_scripts")
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
    members = members_of(files["Adds"])
    root = members[0][0].partition("/")[0]
    yield one(
        "script-payload",
        zipped([(n, PAYLOAD if n == f"{root}/data.pkl" else d) for n, d in members]),
        twin=None,
        loads=("torch",),
    )
    yield one(
        "script-constants",
        zipped([(n, PAYLOAD if n == f"{root}/constants.pkl" else d) for n, d in members]),
        twin=None,
        loads=(),
    )


def _packages() -> Iterator[Sample]:
    """Yield archives that carry Python or native code by design."""
    stream_ = io.BytesIO()
    package = framework("torch.package")
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
        zipped(
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
        zipped(
            [
                (
                    "MAR-INF/MANIFEST.json",
                    b'{"model": {"handler": "handler.py", "modelName": "m"}}',
                ),
                ("handler.py", b"import os\nos.system('x')\n"),
                ("model.pt", saved([Payload()])),
            ]
        ),
    )
    yield single(
        "torch-mar-plain",
        TORCH,
        "model.mar",
        zipped(
            [
                (
                    "MAR-INF/MANIFEST.json",
                    b'{"model": {"handler": "handler.py", "modelName": "m"}}',
                ),
                ("handler.py", b"x = 1\n"),
            ]
        ),
    )
