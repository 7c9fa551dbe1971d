"""Formats are told from bytes; what a suffix promises is held against them."""

import bz2
import gzip
import json
import lzma
import struct
import tarfile
import zlib

import numpy as np
import pytest
from safetensors.numpy import save

from support.gguf import build_gguf
from support.sniffing import (
    CALL,
    ELF,
    HDF5,
    KERAS,
    LZMA_REST,
    NOISE,
    ONNX,
    PE,
    PIECE,
    SAVEDMODEL,
    SCRIPT,
    SENTENCEPIECE,
    TORCH,
    field,
    found,
    npy,
    npz,
    sniffed,
    tar_of,
    v7,
)
from support.zips import zip_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.content import BytesSource
from weighbridge.core.limits.sniffing import MAX_SNIFF_READS, SNIFF_BYTES, SNIFF_TAIL_BYTES
from weighbridge.formats.sniff import Sniffed, sniff, suffix_format

SIGNATURES = [
    ("empty", b"", F.EMPTY),
    ("npy", npy(), F.NPY),
    ("npz", npz(), F.NPZ),
    ("hdf5", HDF5, F.HDF5),
    ("safetensors", save({"a": np.zeros(3)}), F.SAFETENSORS),
    ("safetensors without tensors", struct.pack("<Q", 2) + b"{}", F.SAFETENSORS),
    ("gguf", build_gguf(), F.GGUF),
    ("gguf big endian", build_gguf(version=3 << 24), F.GGUF),
    ("zip", zip_of({"a.txt": b"x"}), F.ZIP),
    ("zip without members", zip_of({}), F.ZIP),
    ("zip cut", zip_of({"a.txt": b"x"})[:40], F.ZIP),
    ("torch", TORCH, F.TORCH_ZIP),
    ("torch in capitals", zip_of({"a/DATA.PKL": b"", "a/version": b"3"}), F.TORCH_ZIP),
    ("torchscript", SCRIPT, F.TORCHSCRIPT),
    ("keras", KERAS, F.KERAS_V3),
    ("tar", tar_of("a"), F.TAR),
    ("tar gnu", tar_of("a", layout=tarfile.GNU_FORMAT), F.TAR),
    ("tar pax", tar_of("é" * 60, layout=tarfile.PAX_FORMAT), F.TAR),
    ("tar v7", v7(tar_of("a")), F.TAR),
    ("7z", b"7z\xbc\xaf\x27\x1c" + bytes(30), F.SEVEN_ZIP),
    ("gzip", gzip.compress(b"x", mtime=0), F.GZIP),
    ("bzip2", bz2.compress(b"x"), F.BZIP2),
    ("bzip2 of nothing", bz2.compress(b""), F.BZIP2),
    ("xz", lzma.compress(b"x"), F.XZ),
    ("lzma", lzma.compress(b"x", format=lzma.FORMAT_ALONE), F.XZ),
    *(
        (f"lzma, dictionary {size:#x}", b"\x5d" + size.to_bytes(4, "little") + LZMA_REST, kind)
        for size, kind in [
            (0, F.XZ),
            (0x100, F.XZ),
            (0x1000, F.XZ),
            (0x1800, F.XZ),
            (0x1900, F.UNKNOWN),
        ]
    ),
    ("zlib", zlib.compress(b"hello world"), F.ZLIB),
    ("zlib stored", zlib.compress(b"hello world", 0), F.ZLIB),
    (
        "zlib small window",
        b"".join([(z := zlib.compressobj(wbits=9)).compress(b"x" * 99), z.flush()]),
        F.ZLIB,
    ),
    ("zlib large", zlib.compress(NOISE), F.ZLIB),
    ("deflate", zlib.compress(b"some more words of hello world", wbits=-15), F.DEFLATE),
    ("deflate large", zlib.compress(NOISE, wbits=-15), F.DEFLATE),
    ("deflate cut", zlib.compress(b"words of hello world" * 9, wbits=-15)[:-2], F.UNKNOWN),
    ("deflate and more", zlib.compress(b"words of hello", wbits=-15) + b"\xff", F.UNKNOWN),
    ("lz4", b"\x04\x22\x4d\x18" + bytes(10), F.LZ4),
    ("lz4 legacy", b"\x02\x21\x4c\x18" + bytes(10), F.LZ4),
    ("zstd", b"\x28\xb5\x2f\xfd" + bytes(10), F.ZSTD),
    ("zstd skippable", b"\x50\x2a\x4d\x18" + bytes(10), F.ZSTD),
    ("elf", ELF, F.SHARED_OBJECT),
    ("mach-o", b"\xcf\xfa\xed\xfe" + bytes(20), F.SHARED_OBJECT),
    ("mach-o fat", b"\xca\xfe\xba\xbe\x00\x00\x00\x02" + bytes(20), F.SHARED_OBJECT),
    ("pe", PE, F.SHARED_OBJECT),
    ("dos", b"MZ" + bytes(100), F.SHARED_OBJECT),
    ("wasm", b"\x00asm\x01\x00\x00\x00", F.SHARED_OBJECT),
    ("java class", b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(20), F.SHARED_OBJECT),
    ("a program for several systems", b"MZqFpD='\n" + bytes(60), F.SHARED_OBJECT),
    ("an ape without a PE image", b"jartsr='" + bytes(60), F.SHARED_OBJECT),
    ("an ape that is a shell script", b"MZqFpD='\n" + b"#" * 100, F.SHARED_OBJECT),
    ("text with the letters of an ape", b"MZqFpD = '\n" + b"#" * 100, F.TEXT),
    ("a library of objects", b"!<arch>\n" + bytes(60), F.SHARED_OBJECT),
    ("a shortcut", b"\x4c\x00\x00\x00\x01\x14\x02\x00" + bytes(60), F.SHARED_OBJECT),
    ("png", b"\x89PNG\r\n\x1a\n" + bytes(20), F.IMAGE),
    ("jpeg", b"\xff\xd8\xff\xe0" + bytes(20), F.IMAGE),
    ("gif", b"GIF89a" + bytes(20), F.IMAGE),
    ("webp", b"RIFF" + bytes(4) + b"WEBP" + bytes(20), F.IMAGE),
    ("wav", b"RIFF" + bytes(4) + b"WAVE" + bytes(20), F.MEDIA),
    ("other riff", b"RIFF" + bytes(4) + b"CDXA" + bytes(20), F.UNKNOWN),
    ("r", b"X\n" + struct.pack(">iii", 3, 1, 1), F.R_DATA),
    ("r of another version", b"X\n" + struct.pack(">iii", 4, 1, 1), F.UNKNOWN),
    ("r little endian", b"B\n" + struct.pack("<iii", 2, 1, 1), F.R_DATA),
    ("r in letters", b"A\n3\n262914\n197888\n5\nUTF-8\n254\n", F.R_DATA),
    ("r in letters of Windows", b"A\r\n2\r\n262914\r\n131840\r\n254\r\n", F.R_DATA),
    ("a list in letters", b"A\n3\nB\n", F.TEXT),
    ("r workspace", b"RDX3\nX\n" + struct.pack(">iii", 3, 1, 1), F.R_DATA),
    ("text like a workspace", b"RDX4\nX\n", F.TEXT),
    ("xgboost", b"{L" + bytes(7) + b"\x07learner{}", F.XGBOOST),
    ("other ubjson", b"{L" + bytes(7) + b"\x07lerners{}", F.UNKNOWN),
    ("catboost", b"CBM1" + bytes(20), F.CATBOOST),
    ("crfsuite", b"lCRF" + bytes(4) + b"FOMC" + bytes(40), F.CRFSUITE),
    ("front-coded dictionary", b"SMFC1\0\x01\0\x01a\0\0", F.FRONT_CODED),
    ("text of its letters", b"SMFC1 is a mark", F.TEXT),
    ("language model of a recognizer", b"Trie Language Model\x03" + bytes(40), F.SPHINX_LM),
    ("text about one", b"Trie Language Model: a table", F.TEXT),
    ("crfsuite of another kind", b"lCRF" + bytes(4) + b"FOMX" + bytes(40), F.UNKNOWN),
    ("catboost or a number", b"CBM1" + bytes(64) + b"\x84\x11\0\0\0\x12", F.CATBOOST),
    ("charsmap", struct.pack("<I", 1024) + bytes(1024) + b"text\0", F.CHARSMAP),
    ("a table larger than the file", struct.pack("<I", 2048) + bytes(1024), F.UNKNOWN),
    ("fasttext", struct.pack("<ii", 793712314, 12) + bytes(100), F.FASTTEXT),
    ("xml", b'<?xml version="1.0"?>\n<a/>', F.XML),
    ("svg", b'\n<svg width="1"/>', F.XML),
    ("document type", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", F.XML),
    ("html", b"<!doctype html>\n<p>", F.HTML),
    ("a vocabulary", b"<s>\n</s>\n<unk>\n", F.TEXT),
    ("a model card", b'<div align="center">\n', F.TEXT),
    ("notebook", b'{"cells": [{"cell_type": "code"}], "nbformat": 4}', F.NOTEBOOK),
    ("tflite", b"\x1c\x00\x00\x00TFL3" + bytes(20), F.TFLITE),
    ("onnx", ONNX, F.ONNX),
    ("savedmodel", SAVEDMODEL, F.SAVEDMODEL),
    ("sentencepiece", SENTENCEPIECE, F.TOKENIZER),
    ("bytecode 3.11", b"\xa7\x0d\r\n" + bytes(12) + b"\xe3" + bytes(20), F.PYTHON_BYTECODE),
    ("bytecode 2.7", b"\x03\xf3\r\n" + bytes(4) + b"c" + bytes(20), F.PYTHON_BYTECODE),
    ("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64, F.LFS_POINTER),
    ("json", b' {"a": [1]}\n', F.JSON),
    ("json array", b"[1, 2]", F.JSON),
    ("json with a mark", b'\xef\xbb\xbf{"a": 1}', F.JSON),
    ("json with a key twice", b'{"a": 1, "a": 2}', F.JSON),
    ("json with NaN", b'{"a": NaN}', F.JSON),
    ("json too deep", b"[" * 3000 + b"]" * 3000, F.JSON),
    ("json lines", b'{"a": 1}\n{"a": 2}\n', F.TEXT),
    ("json cut", b'{"a": 1', F.TEXT),
    ("ini", b"[section]\nkey = 1\n", F.TEXT),
    ("yaml", b"---\na: 1\n", F.YAML),
    ("yaml directive", b"%YAML 1.2\n---\na: 1\n", F.YAML),
    ("shebang python", b"#!/usr/bin/env python3\nprint()\n", F.PYTHON_SOURCE),
    ("shebang", b"#!/bin/sh\necho\n", F.SCRIPT),
    ("text", "plain text, ünicode\n\ttabs\r\n\f".encode(), F.TEXT),
    ("control characters", b"text with \x1b[31mcolour\n", F.UNKNOWN),
    ("latin-1", b"caf\xe9\n", F.UNKNOWN),
    ("utf-16", "text".encode("utf-16"), F.TEXT),
    ("zeros", bytes(1000), F.UNKNOWN),
    ("noise", np.random.default_rng(0).bytes(1000), F.UNKNOWN),
    ("joblib before 0.10", b"ZF0x1d8              " + zlib.compress(b"x"), F.JOBLIB),
    ("a length without 0x", b"ZF1d8                " + zlib.compress(b"x"), F.JOBLIB),
    ("a length as Python has it", b"ZF +1_d8\n            " + zlib.compress(b"x"), F.JOBLIB),
    ("no length", b"ZF0y1d8              " + zlib.compress(b"x"), F.UNKNOWN),
]


@pytest.mark.parametrize(
    ("data", "expected"), [s[1:] for s in SIGNATURES], ids=[s[0] for s in SIGNATURES]
)
def test_tells_formats(data: bytes, expected: F) -> None:
    """Each format is told from its bytes, and from nothing else."""
    assert sniffed(data, "") == Sniffed(format=expected, suffix_format=None)


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"caf\xe9 au lait\n", "README.txt", F.TEXT),
        (b"caf\xe9 au lait\n", "model.dat", F.UNKNOWN),
        (b"caf\xe9 \x00 lait\n", "README.txt", F.UNKNOWN),
        (b"\xe9\xe8\xe0a\n", "README.txt", F.UNKNOWN),
    ],
)
def test_prose_in_old_encodings(data: bytes, name: str, expected: F) -> None:
    """Prose that is mostly ASCII is text in any encoding, where its name promises prose."""
    assert found(data, name) is expected


@pytest.mark.parametrize(
    "data",
    [
        ONNX[:-1],
        ONNX + b"\xff",
        b"\x08\x00" + ONNX[2:],
        b"\x08\xff\xff\x03" + ONNX[2:],
        b"\x08\x08" + field(2, b"x"),
        field(7, b"\x0a\x00"),
        b"\x09" + ONNX[1:],
        b"\x08" + b"\xff" * 11,
        b"\x08\x02" + SAVEDMODEL[2:],
        b"\x08\x01" + field(2, b"\xff" * 40),
        b"\x08\x01",
        field(1, b"\x0a\x50abc"),
        field(1, b""),
        field(1, b"\x10\x01\x0a\x01a"),
        field(1, field(1, b"a") + b"\x09"),
        PIECE[:-1],
    ],
)
def test_other_messages_are_unknown(data: bytes) -> None:
    """A message with other fields, other wire types, or cut short is of no format known here."""
    assert found(data) is F.UNKNOWN


def test_messages_are_walked_beyond_the_head() -> None:
    """A graph larger than the head is stepped over, up to the end of the file."""
    graph = bytes(100_000)
    length = bytes([0x3A, 0xA0, 0x8D, 0x06])
    model = b"\x08\x08" + length + graph + field(8, b"\x10\x11")
    assert found(model) is F.ONNX
    assert found(model[:-1]) is F.UNKNOWN
    many = (b"\x08\x08" + field(14, b"\x00" * 10_000) * 60) + length + graph
    assert found(many) is F.UNKNOWN
    assert found(PIECE * 2000) is F.TOKENIZER


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (json.dumps({"a": ["x" * 50] * 1000}).encode(), F.JSON),
        (json.dumps({"a": "x" * 20_000}).encode(), F.JSON),
        (json.dumps(list(range(10_000))).encode(), F.JSON),
        (json.dumps({"a": "é" * 20_000}).encode(), F.JSON),
        (json.dumps({"a": "é" * 20_000}, ensure_ascii=False).encode(), F.JSON),
        (b'{"a": 1}' + b" " * 10_000, F.JSON),
        (b'{"a": 1}\n' * 2000, F.TEXT),
        (b"[1] a reference\n" * 1000, F.TEXT),
        (b"[" * 10_000, F.JSON),
        (b'{"a": ' + b"9" * 10_000 + b"}", F.JSON),
        (b"{a: 1}" * 3000, F.TEXT),
        (("é" * 20_000).encode(), F.TEXT),
        (b"x" + ("é" * 20_000).encode(), F.TEXT),
        (("😀" * 20_000).encode()[1:], F.UNKNOWN),
        (b"x" * (SNIFF_BYTES - 1) + b"\xc3", F.UNKNOWN),
    ],
)
def test_large_texts_are_told_by_their_start(data: bytes, expected: F) -> None:
    """A cut in the middle of a value or of a character does not change what a file is."""
    assert found(data, "a.json") is expected


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.yaml", b"a: 1\n", F.YAML),
        ("a.yml", b"- 1\n- 2\n", F.YAML),
        ("a.yaml", b"# only a comment\n", F.TEXT),
        ("a.yaml", b'{"a": 1}', F.JSON),
        ("a.conf", b"a: 1\n", F.TEXT),
        ("README.md", b"---\nlicense: mit\n---\n# Model\n", F.TEXT),
        ("card", b"---\nlicense: mit\n", F.YAML),
        ("a.py", b"{}", F.PYTHON_SOURCE),
        ("a.pyi", b"x: int\n", F.PYTHON_SOURCE),
        ("a.py", b"", F.EMPTY),
        ("a.py", b"\x00\x01", F.UNKNOWN),
        ("a.sh", b"echo\n", F.SCRIPT),
        ("a.js", b"alert()\n", F.SCRIPT),
        ("Activate.ps1", b"<#\r\n.Synopsis\r\nactivate\r\n", F.SCRIPT),
    ],
)
def test_the_name_tells_texts_apart(name: str, data: bytes, expected: F) -> None:
    """What a text is written in is read from its name where the bytes do not say."""
    assert found(data, name) is expected


@pytest.mark.parametrize(
    ("name", "data", "promised"),
    [
        ("model.safetensors", CALL, F.SAFETENSORS),
        ("model.safetensors", b"", F.SAFETENSORS),
        ("model.safetensors", save({"a": np.zeros(3)}), None),
        ("MODEL.SAFETENSORS", CALL, F.SAFETENSORS),
        ("dir.txt/model.safetensors", CALL, F.SAFETENSORS),
        ("model.gguf", b"text", F.GGUF),
        ("model.pt", TORCH, None),
        ("model.pt", SCRIPT, None),
        ("model.pth", CALL, None),
        ("model.pth", b"import os\n", F.TORCH_ZIP),
        ("model.ckpt", save({"a": np.zeros(3)}), F.TORCH_ZIP),
        ("model.bin", TORCH, None),
        ("model.bin", bytes(100), None),
        ("model.bin", build_gguf(), None),
        ("model.bin", b"", F.TORCH_ZIP),
        ("model.bin", b"<html>not found</html>", F.TORCH_ZIP),
        ("model.pkl", CALL, None),
        ("model.pkl", gzip.compress(b"x", mtime=0), None),
        ("model.pkl", b"text", F.PICKLE),
        ("model.joblib", zlib.compress(b"x"), None),
        ("model.joblib", ELF, F.JOBLIB),
        ("config.json", b"{}", None),
        ("config.json", b"", F.JSON),
        ("config.json", CALL, F.JSON),
        ("data.jsonl", b'{"a": 1}\n{"a": 2}\n', None),
        ("data.jsonl", CALL, F.TEXT),
        ("notes.txt", b"", None),
        ("notes.txt", b"text", None),
        ("notes.txt", b"#!/bin/sh\n", F.TEXT),
        ("__init__.py", b"", None),
        ("a.py", ELF, F.PYTHON_SOURCE),
        ("a.npy", npy(), None),
        ("a.npy", CALL, F.NPY),
        ("a.npz", npz(), None),
        ("a.npz", zip_of({"a": b"x"}), F.NPZ),
        ("a.onnx", ONNX, None),
        ("a.onnx", TORCH, F.ONNX),
        ("a.h5", HDF5, None),
        ("a.keras", KERAS, None),
        ("a.keras", HDF5, None),
        ("a.keras", TORCH, F.KERAS_V3),
        ("saved_model.pb", SAVEDMODEL, None),
        ("saved_model.pb", b"text", F.SAVEDMODEL),
        ("tokenizer.model", SENTENCEPIECE, None),
        ("tokenizer.model", b"text", F.TOKENIZER),
        ("a.png", b"\x89PNG\r\n\x1a\n", None),
        ("a.jpg", ELF, F.IMAGE),
        ("a.tar.gz", gzip.compress(b"x", mtime=0), None),
        ("README", CALL, None),
        (".json", CALL, None),
        ("a.unheard-of", CALL, None),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n", None),
        ("model.pkl", b"version https://git-lfs.github.com/spec/v1\n", None),
    ],
)
def test_a_suffix_that_lies_is_reported(name: str, data: bytes, promised: F | None) -> None:
    """A suffix lies where its formats do not include the content's; a pointer never does."""
    assert sniffed(data, name).suffix_format is promised


def test_suffix_format_is_what_a_name_promises() -> None:
    """A known suffix has one promise, in any case; names without one promise nothing."""
    assert suffix_format("a/b.SafeTensors") is F.SAFETENSORS
    assert suffix_format("model.bin") is F.TORCH_ZIP
    assert suffix_format("model") is None
    assert suffix_format(".bin") is None
    assert suffix_format("a.bin/model") is None
    assert suffix_format(".") is None


class Counting(BytesSource):
    """Bytes that remember what was read of them."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[int] = []

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Read and note how much."""
        data = super().read_at(offset, length)
        self.reads.append(len(data))
        return data


@pytest.mark.parametrize(
    "data", [b"text\n" * 100, bytes(SNIFF_BYTES), CALL, ONNX, save({"a": np.zeros(3)})]
)
def test_small_files_are_read_once(data: bytes) -> None:
    """A file that the first read covers is not read again."""
    source = Counting(data)
    sniff(source, name="a")
    assert len(source.reads) == 1


def test_large_files_are_hardly_read() -> None:
    """Of a large file only its start, its end and a few bytes between are read."""
    source = Counting(save({"a": np.zeros(1_000_000)}))
    assert sniff(source, name="a").format is F.SAFETENSORS
    assert sum(source.reads) < SNIFF_BYTES + SNIFF_TAIL_BYTES + 1000
    hostile = Counting((b"B" + struct.pack("<I", 9000) + bytes(9000) + b"0") * 1000)
    assert sniff(hostile, name="a").format is F.PICKLE
    assert len(hostile.reads) < MAX_SNIFF_READS + 30


def test_a_zip_without_a_line_break() -> None:
    """A zip is none of the pickles that its first letter could begin, however far it goes."""
    data = zip_of({str(number): b"" for number in range(40_000)})
    assert b"\n" not in data[: SNIFF_BYTES * 16]
    assert sniffed(data, "a.zip") == Sniffed(format=F.ZIP, suffix_format=None)
    later = b"P" + b"x" * (MAX_SNIFF_READS * 4096 + SNIFF_BYTES) + b"\n."
    assert found(later) is F.PICKLE


def test_a_table_without_a_line_break() -> None:
    """The first letter of Parquet's mark makes no pickle of it, however far the line would go."""
    data = b"PAR1" + bytes(SNIFF_BYTES * 1000)
    assert sniffed(data, "").format is F.PARQUET
    assert sniffed(b"Pid\n" + b"cos\nsystem\n)R.", "").format is F.PICKLE
