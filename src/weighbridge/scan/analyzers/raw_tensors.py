"""Tensors without any header, which a file beside them says how to read."""

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.scan.interface import Analysis, Subject

_SHARD: Final = re.compile(r"\.data-[0-9]{5}-of-[0-9]{5}\Z")
_CHUNK: Final = re.compile(r"([0-9]+\.)*[0-9]+")
_VALUE: Final = re.compile(r"[0-9a-f]{32}")
_ZARR: Final = (".zarray", "zarr.json")
_OBJECTS: Final = re.compile(
    rb"(\xac\xed\0\x05)"  # Java Object Serialization Specification, 6.4
    rb"|(\0\x01\0{3}\xff{4}\x01\0{3})"  # [MS-NRBF] 2.6.1
    rb"|([c\xe3](?:.\0{3}){4})",  # Python's marshal: a code object, its first counts
    re.DOTALL,
)
_KINDS: Final = ("objects of Java", "objects of .NET", "Python bytecode")
"""What other readers build objects or code of, and no analyzer reads."""
_OBJECTS_BYTES: Final = 32


def analyze(subject: Subject) -> Analysis:
    """
    Yield a gap unless the artifact has the model that the bytes belong to, and they are numbers.

    Nothing in such a file is interpreted: the model's own file says which bytes are numbers of
    which tensor, and its analyzer holds it to the file's size.
    """
    kind = objects_at_start(subject.source)
    if kind is not None:
        yield subject.gap(f"the bytes begin as {kind} do", code=Code.SCAN_UNSUPPORTED)
    described = any(_says_something(subject, path) for path in _descriptions(subject.path))
    if not described and not _has_onnx(subject):
        reason = "bytes without a header, and no file of this model says what they are"
        yield subject.gap(reason, code=Code.SCAN_UNSUPPORTED)


def objects_at_start(source: ByteSource) -> str | None:
    """Return what other readers would build of bytes that begin as these do; None for nothing."""
    other = _OBJECTS.match(source.read_at(0, _OBJECTS_BYTES))
    return None if other is None else _KINDS[(other.lastindex or 1) - 1]


def _descriptions(path: str) -> Iterator[str]:
    """Yield the files of which each would say what the bytes are."""
    folder, name = posixpath.split(path)
    stem, suffix = posixpath.splitext(path)
    if _SHARD.search(path):
        yield _SHARD.sub(".index", path)
    elif suffix == ".bin":  # OpenVINO, ncnn, ONNX
        yield from (f"{stem}{each}" for each in (".xml", ".param", ".onnx"))
    elif suffix == ".weights":  # Darknet
        yield f"{stem}.cfg"
    elif _VALUE.fullmatch(name):
        above, last = posixpath.split(folder)
        if last == "d":
            yield posixpath.join(above, "manifest.ocdbt")
    elif _CHUNK.fullmatch(name):
        while True:
            yield from (posixpath.join(folder, each) for each in _ZARR)
            if not folder:
                return
            folder = posixpath.dirname(folder)


def _has_onnx(subject: Subject) -> bool:
    """Tell whether there is a model of ONNX beside a file that bears the name of a tensor of it."""
    folder, name = posixpath.split(subject.path)
    if _SHARD.search(name) or _VALUE.fullmatch(name) or _CHUNK.fullmatch(name):
        return False
    if name.endswith(".bin"):
        return False
    return any(
        path.endswith(".onnx")
        and posixpath.dirname(path) == folder
        and _says_something(subject, path)
        for path in subject.siblings
    )


def _says_something(subject: Subject, path: str) -> bool:
    """Tell whether the artifact has the file at *path*, and there is anything in it."""
    return path in subject.siblings and subject.sizes.get(path) != 0
