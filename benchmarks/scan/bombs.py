"""
Files that cost whoever reads them: `python -m benchmarks.scan.bombs [--only NAME]...`.

Each goes through the real command, which has to end within 30 seconds and one gibibyte with
exit code 10 or 11; one that is merely large and harmless may also end with 0.
"""

import argparse
import bz2
import gzip
import io
import json
import lzma
import os
import resource
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

MAX_SECONDS: Final = 30.0
MAX_BYTES: Final = 1024**3
_GIVE_UP: Final = 120
HARMLESS: Final = frozenset(
    {"pickle-laughs", "gguf-array", "zip-entries-half", "zip-quine-like", "yaml-laughs"}
)
"""Files that are only large, or that no loader expands: to pass them is right."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one file cost: *peak* bytes of the largest process, *code* -1 where it had to be ended."""

    name: str
    seconds: float
    peak: int
    code: int

    @property
    def within(self) -> bool:
        """Whether the command kept its bounds and said that something is wrong."""
        codes = {0, 10, 11} if self.name in HARMLESS else {10, 11}
        return self.seconds <= MAX_SECONDS and self.peak <= MAX_BYTES and self.code in codes


def _zip(members: list[tuple[str, bytes]], *, level: int = 9) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _entries(count: int) -> bytes:
    """Return a zip of *count* empty members, written by hand for speed."""
    locals_, central = bytearray(), bytearray()
    for number in range(count):
        name = b"%d" % number
        central += (
            struct.pack(
                "<4s6H3I5H2I",
                b"PK\1\2",
                20,
                20,
                0,
                0,
                0,
                33,
                0,
                0,
                0,
                len(name),
                0,
                0,
                0,
                0,
                0,
                len(locals_),
            )
            + name
        )
        locals_ += (
            struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name
        )
    end64 = struct.pack(
        "<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(central), len(locals_)
    )
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(locals_) + len(central), 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return bytes(locals_ + central) + end64 + locator + end


def _tar(count: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number in range(count):
            archive.addfile(tarfile.TarInfo(str(number)))
    return stream.getvalue()


def _laughs(depth: int) -> bytes:
    """Return a pickle of a list of ten lists of ten lists ..."""
    body = b"]q\0" + b"(" + b"N" * 10 + b"e"
    for number in range(1, depth):
        body += b"0]q" + bytes([number]) + b"(" + (b"h" + bytes([number - 1])) * 10 + b"e"
    return b"\x80\x02" + body + b"."


def _nested(make: Callable[[bytes], bytes], data: bytes, depth: int) -> bytes:
    for _ in range(depth):
        data = make(data)
    return data


def _npy(header: bytes, data: bytes = b"", version: int = 2) -> bytes:
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(4, "little") + header + data


def _safetensors(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def _tensors(count: int) -> bytes:
    entries = ",".join(
        f'"t{n}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for n in range(count)
    )
    return _safetensors(("{" + entries + "}").encode())


def _gguf(count: int) -> bytes:
    pairs = b"".join(
        struct.pack("<Q", 8) + b"%08d" % n + struct.pack("<IB", 0, 1) for n in range(count)
    )
    return b"GGUF" + struct.pack("<IQQ", 3, 0, count) + pairs


def _yaml_laughs() -> bytes:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode() + b"\n"


def _xml_laughs() -> bytes:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE PMML [<!ENTITY a0 "aaaaaaaaaa">{entities}]><PMML version="4.4">&a11;</PMML>'.encode()


def _onnx(depth: int) -> bytes:
    """Return a model whose graph is nested *depth* deep in attributes of nodes."""

    def field(number: int, data: bytes) -> bytes:
        length, size = b"", len(data)
        while size >= 0x80:
            length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + data

    graph = field(2, b"g")
    for _ in range(depth):
        graph = field(1, field(4, b"If") + field(5, field(1, b"b") + field(6, graph)))
    return b"\x08\x08" + field(7, graph) + field(8, b"\x10\x11")


_MIB: Final = 1024**2


def _overlapping() -> bytes:
    """Return a zip whose thousand members share one block of compressed zeros."""
    name, data = b"0", zlib.compress(bytes(200 * _MIB), 9)[2:-4]
    local = (
        struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(data), 200 * _MIB, 1, 0)
        + name
        + data
    )
    central = b"".join(
        struct.pack(
            "<4s6H3I5H2I",
            b"PK\1\2",
            20,
            20,
            0,
            8,
            0,
            33,
            0,
            len(data),
            200 * _MIB,
            4,
            0,
            0,
            0,
            0,
            0,
            0,
        )
        + b"%04d" % n
        for n in range(1000)
    )
    return (
        local
        + central
        + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1000, 1000, len(central), len(local), 0)
    )


_PAYLOAD: Final = b"cos\nsystem\n(S'true'\ntR0"
_GB: Final = 1024 * _MIB


class _Compressor(Protocol):
    """What the compressors of the standard library have in common."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def _zeros_compressed(compressor: Callable[[], _Compressor], size: int = _GB) -> bytes:
    made = compressor()
    block = bytes(_MIB)
    parts = [made.compress(block) for _ in range(size // _MIB)]
    return b"".join([*parts, made.flush()])


BOMBS: Final[dict[str, tuple[str, Callable[[], bytes]]]] = {
    "pickle-opcodes": ("model.pkl", lambda: b"\x80\x02" + _PAYLOAD + b"(" + b"K\x01" * 5_000_000 + b"t."),
    "pickle-opcodes-clean-tuples": ("model.pkl", lambda: b"\x80\x02(" + b")" * 5_000_000 + b"t0cx\ny\n."),
    "pickle-tuples": ("model.pkl", lambda: b"\x80\x02" + b"N" + b"\x85" * 5_000_000 + _PAYLOAD + b"."),
    "pickle-marks": ("model.pkl", lambda: b"\x80\x02" + b"(" * 5_000_000 + _PAYLOAD + b"."),
    "pickle-lists": ("model.pkl", lambda: b"\x80\x02" + b"](" * 2_000_000 + _PAYLOAD + b"e" * 2_000_000 + b"."),
    "pickle-dicts": ("model.pkl", lambda: b"\x80\x02" + b"(" + b"}" * 3_000_000 + b"l0" + _PAYLOAD + b"."),
    "pickle-memo": ("model.pkl", lambda: b"\x80\x04" + b"N\x940" * 3_000_000 + _PAYLOAD + b"."),
    "pickle-memo-index": ("model.pkl", lambda: b"\x80\x02Nr\xff\xff\xff\x7f0" + _PAYLOAD + b"."),
    "pickle-dup": ("model.pkl", lambda: b"\x80\x02]" + b"2\x86" * 200_000 + b"0" + _PAYLOAD + b"."),
    "pickle-laughs": ("model.pkl", lambda: _laughs(100)),
    "pickle-laughs-key": ("model.pkl", lambda: b"\x80\x02)" + b"2\x86" * 40 + b"q\0}h\0NsX\x01\0\0\0a0" + _PAYLOAD + b"."),
    "pickle-long": ("model.pkl", lambda: b"\x80\x02L" + b"9" * 5_000_000 + b"L\n0" + _PAYLOAD + b"."),
    "pickle-int": ("model.pkl", lambda: b"I" + b"1" * 5_000_000 + b"\n0" + _PAYLOAD + b"."),
    "pickle-long4": ("model.pkl", lambda: b"\x80\x02\x8b" + struct.pack("<i", 20_000_000) + b"\x7f" * 20_000_000 + b"0" + _PAYLOAD + b"."),
    "pickle-float": ("model.pkl", lambda: b"F" + b"1" * 5_000_000 + b"\n0" + _PAYLOAD + b"."),
    "pickle-strings": ("model.pkl", lambda: b"\x80\x02(" + b"U\x01a" * 5_000_000 + b"l0" + _PAYLOAD + b"."),
    "pickle-globals": ("model.pkl", lambda: b"\x80\x02" + b"cos\nsystem\n0" * 1_000_000 + b"N."),
    "pickle-globals-distinct": ("model.pkl", lambda: b"\x80\x02" + b"".join(b"cos\ns%d\n0" % n for n in range(500_000)) + b"N."),
    "pickle-calls": ("model.pkl", lambda: b"\x80\x02cos\nsystem\n" + b")R" * 1_000_000 + b"."),
    "pickle-calls-nested": ("model.pkl", lambda: b"\x80\x02" + b"ccollections\nOrderedDict\n)R" * 300_000 + b"cos\nsystem\n."),
    "pickle-builds": ("model.pkl", lambda: b"\x80\x02ccollections\nOrderedDict\n)R" + b"}b" * 1_000_000 + _PAYLOAD + b"."),
    "pickle-persistent": ("model.pkl", lambda: b"\x80\x02" + b"NQ0" * 1_000_000 + _PAYLOAD + b"."),
    "pickle-streams": ("model.pkl", lambda: b"\x80\x02N." * 1_000_000 + b"\x80\x02" + _PAYLOAD + b"."),
    "pickle-protos": ("model.pkl", lambda: b"\x80\x02" * 2_000_000 + _PAYLOAD + b"."),
    "pickle-broken-starts": ("model.pkl", lambda: b"\x80\x02N." + b"\x80\x02\xff" * 2_000_000),
    "pickle-broken-long-starts": ("model.pkl", lambda: b"\x80\x02N." + b"\x80\x02" + b"(" * 100 + (b"\x80\x02" + b"N" * 200) * 20_000),
    "pickle-frames": ("model.pkl", lambda: b"\x80\x04" + (b"\x95" + bytes(8)) * 1_000_000 + _PAYLOAD + b"."),
    "pickle-frame-huge": ("model.pkl", lambda: b"\x80\x04\x95" + struct.pack("<Q", 1 << 50) + _PAYLOAD + b"."),
    "pickle-bytes-huge": ("model.pkl", lambda: b"\x80\x04\x8e" + struct.pack("<Q", 1 << 50) + _PAYLOAD + b"."),
    "pickle-set": ("model.pkl", lambda: b"\x80\x04\x8f(" + b"".join(b"J" + struct.pack("<i", n * 61) for n in range(500_000)) + b"\x900" + _PAYLOAD + b"."),
    "pickle-colliding": ("model.pkl", lambda: b"\x80\x04}(" + b"".join(b"\x8a\x0a" + ((2**61 - 1) * n).to_bytes(10, "little") + b"N" for n in range(30_000)) + b"u0" + _PAYLOAD + b"."),
    "pickle-appends": ("model.pkl", lambda: b"\x80\x02]" + b"Na" * 3_000_000 + b"0" + _PAYLOAD + b"."),
    "pickle-bytearray": ("model.pkl", lambda: b"\x80\x05" + b"".join(b"\x96" + struct.pack("<Q", 1000) + bytes(1000) + b"0" for _ in range(50_000)) + _PAYLOAD + b"."),
    "pickle-shared-big": ("model.pkl", lambda: b"\x80\x02(" + b"N" * 1_000_000 + b"lq\0" + b"0cbuiltins\nlist\nh\0\x85R" * 20_000 + _PAYLOAD + b"."),
    "pickle-text-names": ("model.pkl", lambda: b"c" + b"a." * 2_000_000 + b"\n" + b"b." * 2_000_000 + b"\n."),
    "pickle-escapes": ("model.pkl", lambda: b"V" + b"\\u0061" * 2_000_000 + b"\n0" + _PAYLOAD + b"."),
    "joblib-arrays": ("model.joblib", lambda: b"\x80\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b" * 200_000 + b"."),
    "npy-header": ("model.npy", lambda: _npy(b"{" + b"(" * 5_000_000)),
    "npy-header-long": ("model.npy", lambda: _npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"1," * 5_000_000 + b")}")),
    "npy-objects": ("model.npy", lambda: _npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n", b"\x80\x02" + b"(" * 3_000_000)),
    "zip-entries": ("model.zip", lambda: _entries(1_000_000)),
    "zip-entries-half": ("model.zip", lambda: _entries(180_000)),
    "zip-bomb": ("model.zip", lambda: _zip([("model.pkl", b"\x80\x02(" + b"N" * (600 * _MIB))])),
    "zip-bomb-many": ("model.zip", lambda: _zip([(f"{n}.pkl", bytes(20 * _MIB)) for n in range(100)])),
    "zip-quine-like": ("model.zip", lambda: _nested(lambda d: _zip([("a", d), ("b", d)]), _zip([("x", bytes(_MIB))]), 12)),
    "zip-wide-deep": ("model.zip", lambda: _nested(lambda d: _zip([(str(n), d) for n in range(10)]), b"\x80\x02N.", 6)),
    "zip-nested": ("model.zip", lambda: _nested(lambda d: _zip([("x.zip", d)]), b"\x80\x02N.", 200)),
    "zip-overlap": ("model.zip", _overlapping),
    "gzip-bomb": ("model.pkl.gz", lambda: _zeros_compressed(lambda: zlib.compressobj(9, wbits=31), 4 * _GB)),
    "gzip-many": ("model.pkl.gz", lambda: gzip.compress(b"", mtime=0) * 500_000),
    "gzip-nested": ("model.pkl.gz", lambda: _nested(lambda d: gzip.compress(d, mtime=0), b"\x80\x02N.", 300)),
    "bz2-bomb": ("model.pkl.bz2", lambda: _zeros_compressed(lambda: bz2.BZ2Compressor(9))),
    "bz2-many": ("model.pkl.bz2", lambda: bz2.compress(b"") * 500_000),
    "xz-bomb": ("model.pkl.xz", lambda: _zeros_compressed(lambda: lzma.LZMACompressor(preset=0))),
    "xz-memory": ("model.pkl.xz", lambda: lzma.compress(b"x" * 1000, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1536 * _MIB}])),
    "zlib-bomb": ("model.pkl.z", lambda: _zeros_compressed(lambda: zlib.compressobj(9))),
    "tar-entries": ("model.tar", lambda: _tar(300_000)),
    "json-deep": ("config.json", lambda: b"[" * 5_000_000),
    "json-deep-dict": ("config.json", lambda: b'{"a":' * 3_000_000),
    "json-wide": ("config.json", lambda: b"[" + b",".join([b'{"_target_":"os.system"}'] * 500_000) + b"]"),
    "json-keys": ("config.json", lambda: json.dumps({f"k{n}": n for n in range(2_000_000)} | {"auto_map": {"A": "b.C"}}).encode()),
    "json-number": ("config.json", lambda: b'{"a": ' + b"9" * 20_000_000 + b"}"),
    "json-string": ("config.json", lambda: b'{"auto_map": "' + b"\\u0061" * 8_000_000 + b'"}'),
    "json-duplicate": ("config.json", lambda: b'{"a":1' + b',"a":1' * 2_000_000 + b',"auto_map":{"A":"b.C"}}'),
    "yaml-laughs": ("config.yaml", _yaml_laughs),
    "yaml-deep": ("config.yaml", lambda: b"[" * 2_000_000),
    "yaml-indent": ("config.yaml", lambda: b"".join(b" " * n + b"a:\n" for n in range(5000)) + b" " * 5000 + b"_target_: os.system\n"),
    "yaml-lines": ("config.yaml", lambda: b"a: !!python/object/apply:os.system [x]\n" * 500_000),
    "yaml-quotes": ("config.yaml", lambda: b"a: '" + b"''" * 5_000_000 + b"'\nb: !!python/name:os.system\n"),
    "xml-laughs": ("model.pmml", _xml_laughs),
    "template": ("chat_template.jinja", lambda: b"{{ " + b"(" * 500_000 + b"x.__class__" + b")" * 500_000 + b" }}"),
    "template-dots": ("chat_template.jinja", lambda: b"{{ x" + b".__class__" * 500_000 + b" }}"),
    "template-blocks": ("chat_template.jinja", lambda: b"{% if x %}" * 200_000 + b"{{ x.__class__ }}" + b"{% endif %}" * 200_000),
    "template-operators": ("chat_template.jinja", lambda: b"{{ x" + b" + x" * 500_000 + b".__class__ }}"),
    "python-deep": ("modeling.py", lambda: b"x = " + b"(" * 500_000 + b")" * 500_000 + b"\nimport os\n"),
    "python-long": ("modeling.py", lambda: b"import os; os.system('x')\n" * 200_000),
    "python-operators": ("modeling.py", lambda: b"import os\nx = " + b"-" * 1_000_000 + b"1\n"),
    "text-words": ("vocab.txt", lambda: b"c" + b"os\nsystem\n(S'x'\ntR" * 500_000 + b"\xff"),
    "safetensors-header": ("model.safetensors", lambda: _safetensors(b'{"a":' + b"[" * 20_000_000)),
    "safetensors-tensors": ("model.safetensors", lambda: _tensors(1_200_000)),
    "gguf-keys": ("model.gguf", lambda: _gguf(1_000_000)),
    "gguf-array": ("model.gguf", lambda: b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 8, 2_000_000) + struct.pack("<Q", 1) * 1 + (b"a" + struct.pack("<Q", 1)) * 2_000_000),
    "onnx-deep": ("model.onnx", lambda: _onnx(3000)),
    "onnx-bytes": ("model.onnx", lambda: b"\x08\x08" + b"\x3a\x04\x0a\x02\x22\x00" * 2_000_000 + b"\x42\x02\x10\x11"),
    "random": ("model.bin", lambda: os.urandom(32 * _MIB)),
}  # fmt: skip


def measure(name: str, *, command: Path) -> Cost:
    """Make the file *name*, scan it, and return the cost."""
    place = Path(tempfile.mkdtemp(prefix="weighbridge-bomb-"))
    try:
        file, make = BOMBS[name]
        (place / file).write_bytes(make())
        return _run(name, [str(command), "scan", str(place)])
    finally:
        shutil.rmtree(place)


def _bound() -> None:
    """Protect the machine; keeping the real bounds is the command's own business."""
    resource.setrlimit(resource.RLIMIT_AS, (12 * MAX_BYTES,) * 2)


def _run(name: str, command: list[str]) -> Cost:
    begun = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_bound,  # noqa: PLW1509  this program has no threads
    )
    code, peak = -1, 0
    while time.monotonic() < begun + _GIVE_UP:
        peak = max(peak, _resident(process.pid))
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            peak = max(peak, usage.ru_maxrss * 1024)
            break
        time.sleep(0.02)
    else:
        os.killpg(process.pid, 9)
        os.wait4(process.pid, 0)
    process.returncode = code
    return Cost(name=name, seconds=time.monotonic() - begun, peak=peak, code=code)


def _resident(root: int) -> int:
    """Return the resident bytes of the largest process below *root*."""
    largest, pending = 0, [root]
    while pending:
        pid = pending.pop()
        try:
            fields = Path(f"/proc/{pid}/statm").read_text().split()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        largest = max(largest, int(fields[1]) * os.sysconf("SC_PAGE_SIZE"))
        pending += map(int, children)
    return largest


def main() -> int:
    """Measure; 1 when a bound was not kept."""
    described = argparse.ArgumentParser(prog="python -m benchmarks.scan.bombs", description=__doc__)
    described.add_argument("--only", action="append", choices=sorted(BOMBS))
    arguments = described.parse_args()
    command = Path(sys.executable).with_name("weighbridge")
    failed = 0
    for name in arguments.only or BOMBS:
        cost = measure(name, command=command)
        failed += not cost.within
        mark = "ok" if cost.within else "NOT WITHIN BOUNDS"
        print(
            f"{name:<30}{cost.seconds:>7.1f} s {cost.peak / 1024**2:>7.0f} MiB  exit {cost.code:<4}{mark}",
            flush=True,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
