"""Two files in one: whatever the bytes begin as, what else they are is found or is a gap."""

import gzip
import struct
from pathlib import Path

import pytest

from support import pickles as p
from support.tars import tar_of
from support.zips import zip_of
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.formats.sniff import sniff
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject

VECTORS = Path(__file__).parents[2] / "vectors"
PICKLE = p.stream(p.system())
FILES = (
    "arrow/good.parquet",
    "arrow/good.feather",
    "arrow/good.arrows",
    "arrow/old.feather",
    "crfsuite/model.crfsuite",
    "graphs/classifier.onnx",
    "graphs/computes.tflite",
    "graphs/network.mlmodel",
    "graphs/program.mlpackage/Data/com.apple.CoreML/weights/weight.bin",
    "numbers/m.mnn",
    "numbers/m.pdiparams",
    "numbers/mxnet.params",
    "numbers/word2vec.bin",
    "ort/model.ort",
)
STARTS = {
    "gif": b"GIF89a" + bytes(20),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "mp3": b"ID3" + bytes(20),
    "ggml": b"lmgg" + struct.pack("<8i", 51865, 1500, 384, 6, 4, 1, 1, 1),
    "safetensors": struct.pack("<Q", 2) + b"{}",
    "gguf": b"GGUF" + struct.pack("<IQQ", 3, 0, 0),
    "json": b'{"a": 1}\n',
    "txt": b"text\n",
    "xml": b"<?xml version='1.0'?><a/>",
    "gz": gzip.compress(b"text " * 10),
}
HEADS = {name: VECTORS.joinpath(name).read_bytes() for name in FILES} | STARTS
ARCHIVES = {
    "zip": zip_of({"a.py": b"import os\nos.system('touch marker')\n"}),
    "torch": zip_of({"a/data.pkl": PICKLE, "a/version": b"3\n"}),
}
OPAQUE = ("mp3", "png", "gif", "ggml", "numbers/m.mnn", "ort/model.ort", "graphs/computes.tflite")
"""Files of which nobody reads what is behind their end, and that do not say where it is."""


def _scan(name: str, data: bytes) -> tuple[list[Finding], list[Gap]]:
    """Return what blocks, and the gaps, of a file that is told by its bytes."""
    source = BytesSource(data)
    told = sniff(source, name=name)
    found = examine(
        Subject(
            path=name,
            name=name,
            format=told.format,
            suffix_format=told.suffix_format,
            source=source,
            siblings=frozenset({name}),
        )
    )
    medium = Severity.MEDIUM.rank
    findings = [e for e in found if isinstance(e, Finding) and e.severity.rank >= medium]
    return findings, [e for e in found if isinstance(e, Gap)]


def _name(head: str) -> str:
    return head.rpartition("/")[2] if "/" in head else f"model.{head}"


@pytest.mark.parametrize("head", HEADS)
def test_clean_alone(head: str) -> None:
    """Each start is clean as long as nothing follows it."""
    assert _scan(_name(head), HEADS[head]) == ([], [])


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("tail", ARCHIVES)
def test_archives_behind(head: str, tail: str) -> None:
    """An archive at the end is found behind anything, since its readers begin there."""
    findings, _ = _scan(_name(head), HEADS[head] + ARCHIVES[tail])
    rules = {finding.rule for finding in findings}
    assert rules & {"python-dangerous-call", "pickle-dangerous-global"}


@pytest.mark.parametrize("head", [head for head in HEADS if head not in OPAQUE])
def test_bytes_behind(head: str) -> None:
    """A pickle behind a file that says where it ends is found, or a gap."""
    findings, gaps = _scan(_name(head), HEADS[head] + PICKLE)
    assert findings or gaps


@pytest.mark.parametrize("magic", [b"TFL3", b"ORTM", b"ET12"])
def test_names_of_flatbuffers_in_a_pickle(magic: bytes) -> None:
    """A name at the fifth byte does not hide a pickle that begins at the first."""
    findings, _ = _scan("model.bin", b"\x80\x02U\x04" + magic + b"0" + PICKLE[2:])
    assert {finding.rule for finding in findings} >= {"polyglot", "pickle-dangerous-global"}


def test_a_pickle_in_the_name_of_a_member() -> None:
    """A tar archive begins with a name, which can be a pickle."""
    data = bytearray(tar_of({"a": b"x"}))
    start = PICKLE[2:]
    data[: len(start)] = start
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    findings, _ = _scan("model.tar", bytes(data))
    assert {finding.rule for finding in findings} >= {"polyglot", "pickle-dangerous-global"}
