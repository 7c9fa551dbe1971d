"""What a safetensors file will hold, and what its header says besides."""

import json

import pytest

from support import pickles as p
from support.holding import hold
from support.torch_files import checkpoint, floats, state, storage, tensor, vector
from weighbridge.convert import plan as module
from weighbridge.convert.plan import (
    ALIASES_NOTE,
    STATE_NOTE,
    PlannedFile,
    SharedTensors,
    plan_file,
)
from weighbridge.convert.survey import survey
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import ArtifactRefusedError, LimitExceededError
from weighbridge.formats.safetensors import parse_header

V3 = p.name("torch._utils", "_rebuild_tensor_v3")
UNTYPED = p.name("torch.storage", "UntypedStorage")
DATA = {"0": floats(1, 2, 3, 4)}
SQUARE = storage("0", 4)


def plan(value: bytes, shared: SharedTensors = SharedTensors.COPY) -> PlannedFile:
    """Return the plan for a checkpoint of *value*, with one storage of four floats."""
    data = checkpoint(value, DATA)
    found = survey(hold(data), FileFormat.TORCH_ZIP, where="f")
    return plan_file(found, source="s", target="t", size=len(data), shared=shared, where="f").file


def metadata(planned: PlannedFile) -> dict[str, str]:
    """Return what the header notes."""
    body = planned.header + bytes(planned.size - len(planned.header))
    return dict(parse_header(BytesSource(body)).metadata)


def square(*strides: int, offset: int = 0) -> bytes:
    """Return a matrix of two by two on the storage."""
    return tensor(SQUARE, [2, 2], strides, offset=offset)


TIED = state(a=square(2, 1), b=square(2, 1), c=square(1, 2), d=vector("0", 4))


def test_each_name_has_a_tensor() -> None:
    """Tensors that are the same are written under each name, and noted; other views are not."""
    planned = plan(TIED)
    assert list(planned.tensors) == ["a", "b", "c", "d"]
    assert planned.aliases == (("b", "a"),)
    assert planned.rearranged == ("c",)
    assert metadata(planned) == {"format": "pt", ALIASES_NOTE: '{"b":"a"}'}
    assert planned.tensor_bytes == 4 * 16


def test_the_first_name_has_the_tensor() -> None:
    """With `once` the other names are in the header only, as `save_model` has it."""
    planned = plan(TIED, SharedTensors.ONCE)
    assert list(planned.tensors) == ["a", "c", "d"]
    assert metadata(planned) == {"format": "pt", ALIASES_NOTE: '{"b":"a"}', "b": "a"}


def test_a_name_that_is_a_note() -> None:
    """A dropped name that would overwrite a note is refused, and copied it is not."""
    value = p.dict_of(p.text("a"), square(2, 1), p.text("format"), square(2, 1))
    with pytest.raises(ArtifactRefusedError, match="format: a note has this name"):
        plan(value, SharedTensors.ONCE)
    assert len(plan(value).tensors) == 2


def test_empty_tensors_are_nobodys_alias() -> None:
    """Two tensors without elements are two tensors."""
    empty = tensor(SQUARE, [0], [1])
    planned = plan(state(a=empty, b=empty))
    assert (planned.aliases, planned.tensor_bytes) == ((), 0)


def test_notes_of_the_state_dict() -> None:
    """What PyTorch notes on state dicts is in the header as one JSON object."""
    ordered = (
        p.call(p.name("collections", "OrderedDict")) + b"(" + p.text("a") + square(2, 1) + b"u"
    )
    value = ordered + p.dict_of(p.text("_metadata"), state(x=p.integer(1))) + b"b"
    assert json.loads(metadata(plan(value))[STATE_NOTE]) == {"": {"x": 1}}


def test_pairs_of_four_bit_floats() -> None:
    """PyTorch counts pairs, safetensors counts floats; a pair without a dimension is refused."""
    kind = p.name("torch", "float4_e2m1fn_x2")
    on = storage("0", 16, kind=UNTYPED)
    planned = plan(state(a=tensor(on, [2, 4], [4, 1], rebuild=V3, rest=[kind])))
    (found,) = parse_header(BytesSource(planned.header + bytes(8))).tensors
    assert (found.dtype, found.shape) == ("F4", (2, 8))
    with pytest.raises(ArtifactRefusedError, match="without a dimension"):
        plan(state(a=tensor(on, [], [], rebuild=V3, rest=[kind])))


def test_a_few_bytes_cannot_fill_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Views and expanded dimensions are bounded by the checkpoint's size, or by a fixed room."""
    rows, more = 1000, 1001
    value, larger = (state(a=tensor(SQUARE, [n, 4], [0, 1])) for n in (rows, more))
    size = len(checkpoint(value, DATA))
    assert len(checkpoint(larger, DATA)) == size
    monkeypatch.setattr(module, "MIN_CONVERT_ROOM", 0)
    monkeypatch.setattr(module, "MAX_CONVERT_RATIO", rows * 16 / size)
    assert plan(value).tensor_bytes == rows * 16
    with pytest.raises(LimitExceededError, match="many times the room"):
        plan(larger)
    monkeypatch.setattr(module, "MIN_CONVERT_ROOM", more * 16)
    assert plan(larger).tensor_bytes == more * 16
