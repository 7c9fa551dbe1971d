"""Packs of slovnet: what the model says are numbers is not taken for anything else, or for more."""

import io
import json
import struct
import tarfile

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap

META = json.dumps({"id": "x", "protocol": 1}).encode()
FLOATS = struct.pack("<4f", 0.5, -1.25, 3.5, 7.0)
LIKE_A_PICKLE = b"\x84" + struct.pack("<I", 62832188) + b"\xd0" + bytes(10)
"""Four floats that begin with an opcode of an extension registry, and end as nothing."""


def _model(**other: object) -> dict[str, object]:
    """Return a model of one array of four floats, some of it *other*."""
    return {"weight": {"shape": [2, 2], "dtype": "float32", "array": 0} | other}


def _packed(
    array: bytes = FLOATS,
    model: object = None,
    *,
    name: str = "arrays/0.bin",
    meta: str = "meta.json",
    more: tuple[tuple[str, bytes], ...] = (),
) -> bytes:
    """Return a pack."""
    said = model if isinstance(model, bytes) else json.dumps(model or _model()).encode()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for member, content in ((meta, META), ("model.json", said), (name, array), *more):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def _examined(data: bytes) -> list[Finding | Gap]:
    return list(examined(data, path="pack.tar", format=FileFormat.TAR))


GOOD = {
    "floats": _packed(),
    "zeros": _packed(bytes(16)),
    "like-a-pickle": _packed(LIKE_A_PICKLE),
    "bytes": _packed(bytes(range(128, 132)), _model(dtype="uint8")),
    "empty": _packed(b"", _model(shape=[0, 2])),
    "nested": _packed(model={"layers": [{"conv": _model()}]}),
}
PICKLE = p.stream(p.system())
BAD = {
    "another-size": _packed(FLOATS + b"\x7f"),
    "another-shape": _packed(model=_model(shape=[2, 3])),
    "shape-that-is-none": _packed(model=_model(shape=[2, -2])),
    "shape-of-text": _packed(model=_model(shape=["2", 2])),
    "another-type": _packed(model=_model(dtype="float64")),
    "type-that-is-none": _packed(model=_model(dtype="O")),
    "another-number": _packed(model=_model(array=1)),
    "number-that-is-a-switch": _packed(model=_model(array=False)),
    "described-twice": _packed(model={"a": _model(), "b": _model()}),
    "another-name": _packed(name="arrays/00.bin"),
    "name-twice": _packed(more=(("arrays/0.bin", FLOATS),)),
    "no-meta": _packed(meta="other.json"),
    "model-that-is-no-json": _packed(model=b"{"),
    "model-twice": _packed(more=(("model.json", json.dumps(_model()).encode()),)),
    "pickle": _packed(PICKLE, _model(shape=[len(PICKLE)], dtype="uint8")),
    "pickle-that-breaks": _packed(
        PICKLE[:-1] + b"\xd0", _model(shape=[len(PICKLE)], dtype="uint8")
    ),
    "pickle-with-a-frame-that-is-crossed": _packed(
        b"\x80\x04\x95\x01" + bytes(7) + b"K\x01\xd0", _model(shape=[14], dtype="uint8")
    ),
    "pickle-of-an-id": _packed(b"\x80\x02K\x01Q\xd0", _model(shape=[6], dtype="uint8")),
    "objects-of-java": _packed(b"\xac\xed\0\x05" + bytes(12)),
}


@pytest.mark.parametrize("name", GOOD)
def test_numbers_are_numbers(name: str) -> None:
    """An array of the size that the model says passes, whatever its first numbers look like."""
    assert _examined(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_what_may_be_more_is_examined(name: str) -> None:
    """What the model does not describe to the byte, or what begins as more, is not passed over."""
    assert _examined(BAD[name])


def test_what_lies_beside_the_arrays_is_examined() -> None:
    """Another member of a pack is examined as in any archive."""
    found = _examined(_packed(more=(("vocabs/a.pkl", PICKLE),)))
    assert any(isinstance(e, Finding) and e.member == "vocabs/a.pkl" for e in found)


def test_a_model_too_large_to_read_describes_nothing() -> None:
    """A description of more than a mebibyte is none."""
    said = json.dumps({"padding": "x" * 2**20} | _model()).encode()
    assert _examined(_packed(model=said))
