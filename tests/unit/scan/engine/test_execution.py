"""What real unpicklers execute of long streams is found, whichever engine reads them."""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from struct import pack

import pytest

from support import pickles as p
from support.scanning import subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity
from weighbridge.scan.examination import examine

LONG = p.proto(4) + b"K\x010" * 60_000
"""More opcodes than the machine walks before the C unpickler is asked; without an effect."""

LOADER = """
import io, json, os, pickle, sys
folder, names = sys.argv[1], json.loads(sys.stdin.read())
def load(data): return pickle.loads(data)
def load_file(data): return pickle.load(io.BufferedReader(io.BytesIO(data)))
def load_raw(data): return pickle.load(io.BytesIO(data))
def load_pure(data): return pickle._loads(data)
def load_twice(data):
    unpickler = pickle.Unpickler(io.BytesIO(data))
    unpickler.load()
    unpickler.load()
executed = []
for name in names:
    data = open(os.path.join(folder, name), "rb").read()
    for how in (load, load_file, load_raw, load_pure, load_twice):
        try:
            how(data)
        except Exception:
            pass
        marker = os.path.join(folder, "marker")
        if os.path.isdir(marker):
            os.rmdir(marker)
            executed.append([name, how.__name__])
print(json.dumps(executed))
"""
"""Really loads each stream in every way; the payloads make a directory, which is noticed."""


def payloads(marker: str) -> dict[str, bytes]:
    """Return streams that make the directory *marker*, or would if an unpickler went on."""
    name, text = b"cos\nmkdir\n", p.text(marker)
    short = b"\x8c\2os\x8c\5mkdir\x93"
    call = text + b"\x85R"
    hidden = b"N." + p.proto(4) + name + call + b"."
    lost = b"\x8c\xc8" + b"x" * 40
    return {
        "global": LONG + name + call + b".",
        "stack-global": LONG + short + call + b".",
        "inst": LONG + b"(" + text + b"ios\nmkdir\n" + b".",
        "obj": LONG + b"(" + name + text + b"o.",
        "popped": LONG + name + call + b"0N.",
        "through-the-memo": LONG + name + b"q\x050" + b"h\5" + call + b".",
        "text-memo": LONG + name + b"p5\n0g5\n" + call + b".",
        "names-from-the-memo": LONG + b"\x8c\2osq\1\x8c\5mkdirq\2000h\1h\2\x93" + call + b".",
        "broken-behind": LONG + name + call + b"\xff",
        "cut-behind": LONG + name + call,
        "later-protocol": LONG + p.proto(2) + name + call + b".",
        "within-a-dict": LONG + b"}" + text + name + call + b"s.",
        "as-a-key": LONG + b"}" + name + call + b"Ns.",
        "within-a-set": LONG + b"\x8f(" + name + call + b"\x90.",
        "patched-class": LONG
        + b"ccollections\nOrderedDict\n}\x8c\x0c__setstate__"
        + name
        + b"sb"
        + b"ccollections\nOrderedDict\n)R"
        + text
        + b"b.",
        "second-stream": LONG + b"N." + name + call + b".",
        "second-in-the-frame": LONG + p.frame(len(hidden)) + hidden,
        "behind-a-crossed-frame": LONG
        + p.frame(len(lost))
        + lost
        + name
        + call
        + b"."
        + b"y" * 300
        + b"0N.",
        "partial": LONG + b"cfunctools\npartial\n" + name + text + b"\x86R)R.",
        "map": LONG + b"cbuiltins\nlist\ncbuiltins\nmap\n" + name + b"(" + text + b"l\x86R\x85R.",
    }


def test_whatever_executes_is_found(tmp_path: Path) -> None:
    """Each stream of which any real unpickler executes the payload has a grave finding."""
    streams = payloads(str(tmp_path / "marker"))
    for name, data in streams.items():
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", LOADER, str(tmp_path)],
        input=json.dumps(list(streams)),
        capture_output=True,
        check=True,
        text=True,
    )
    executed = {name for name, _how in json.loads(done.stdout)}
    assert len(executed) > len(streams) * 2 / 3, executed
    silent = set()
    for name in executed:
        found = examine(subject_of(streams[name], format=FileFormat.PICKLE))
        if not any(isinstance(f, Finding) and f.severity.at_least(Severity.HIGH) for f in found):
            silent.add(name)
    assert silent == set()


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_same_without_the_payload_is_clean(protocol: int) -> None:
    """Long streams of data are clean."""
    data = pickle.dumps([[n, pack("<I", n), str(n)] for n in range(30_000)], protocol)
    assert [type(e) for e in examine(subject_of(data, format=FileFormat.PICKLE))] == []
