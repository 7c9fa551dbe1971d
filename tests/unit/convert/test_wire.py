"""What a worker says of a conversion is the header of a safetensors file, or an error."""

import errno
import json
import struct
from dataclasses import replace

import pytest

from support.holding import hold
from support.torch_files import checkpoint, floats, state, storage, tensor, vector
from weighbridge.convert.plan import PlannedFile, SharedTensors, plan_file
from weighbridge.convert.planning import Order
from weighbridge.convert.survey import survey
from weighbridge.convert.worker import wire
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    ArtifactRefusedError,
    LimitExceededError,
    MissingExtraError,
    OperationError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.formats.safetensors_layout import TensorForm, lay_out

DATA = checkpoint(
    state(a=vector("0", 2), b=vector("0", 2), c=tensor(storage("1", 4), [2, 2], [1, 2])),
    {"0": floats(1, 2), "1": floats(1, 2, 3, 4)},
)
ORDER = Order(
    path="net\udcff.bin",
    target="model.safetensors",
    where="net",
    format=FileFormat.TORCH_ZIP,
    size=len(DATA),
    key="part",
    tensors_only=True,
    shared=SharedTensors.ONCE,
)


def planned() -> PlannedFile:
    """Return an honest plan."""
    found = survey(hold(DATA), FileFormat.TORCH_ZIP, where="net")
    plan = plan_file(
        found,
        source=ORDER.path,
        target=ORDER.target,
        size=len(DATA),
        shared=SharedTensors.COPY,
        where="net",
    )
    return replace(plan.file, left=("epoch: int",), inflated=1 << 20)


PLANNED = planned()
HEADER = PLANNED.header


def said(*notes: object, header: bytes = HEADER) -> bytes:
    """Return a payload that says *notes*."""
    text = notes[0] if isinstance(notes[0], bytes) else json.dumps(notes).encode()
    return struct.pack("<I", len(text)) + text + header


def of_size(size: int) -> bytes:
    """Return a payload for one tensor of *size* bytes."""
    layout = lay_out({"a": TensorForm("U8", (size,))}, metadata={}, where="f")
    return said(layout.size, 0, [], [], [], header=layout.header)


SIZE = PLANNED.size
LIES = {
    "nothing": b"",
    "half": wire.encode_planned(PLANNED)[:3],
    "no notes": said(b""),
    "no JSON": said(b"[1,"),
    "deep JSON": said(b"[" * 100_000),
    "a number that is none": said(b"[NaN,0,[],[],[]]"),
    "another form": said(SIZE, 0, [], []),
    "more": said(SIZE, 0, [], [], [], []),
    "a size that is a truth": said(True, 0, [], [], []),
    "a smaller size": said(SIZE - 1, 0, [], [], []),
    "a larger size": said(SIZE + 1, 0, [], [], []),
    "less than the header": said(len(HEADER) - 1, 0, [], [], []),
    "no header": said(SIZE, 0, [], [], [], header=b""),
    "half a header": said(SIZE, 0, [], [], [], header=HEADER[:-9]),
    "more than a header": said(SIZE + 8, 0, [], [], [], header=HEADER + bytes(8)),
    "another header": said(SIZE, 0, [], [], [], header=b"\x80\x04" + HEADER[2:]),
    "a header with a hole": said(SIZE, 0, [], [], [], header=HEADER.replace(b"[0,8]", b"[1,9]")),
    "more than such a checkpoint has": of_size((64 << 20) + 1),
    "memory that is none": said(SIZE, -1, [], [], []),
    "memory that is a truth": said(SIZE, True, [], [], []),
    "an alias that is none": said(SIZE, 0, ["a"], [], []),
    "an alias of three": said(SIZE, 0, [["a", "b", "c"]], [], []),
    "an alias of a number": said(SIZE, 0, [["a", 1]], [], []),
    "a name that is none": said(SIZE, 0, [], [None], []),
    "a long name": said(SIZE, 0, [], ["x" * 5000], []),
    "a text that is none": said(SIZE, 0, [], [], [[]]),
    "a long text": said(SIZE, 0, [], [], ["x" * 100_001]),
}


def test_orders_arrive() -> None:
    """A worker is told everything, names that are no text too."""
    assert wire.decode_order(wire.encode_order(ORDER)) == ORDER


def test_an_honest_plan_arrives() -> None:
    """Everything but the order of the tensors, which the header has."""
    found = wire.decode_planned(wire.encode_planned(PLANNED), ORDER)
    assert set(found.tensors) == set(PLANNED.tensors)
    assert replace(found, tensors=()) == replace(PLANNED, tensors=())
    assert PLANNED.aliases
    assert PLANNED.rearranged


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_is_no_plan(lie: bytes) -> None:
    """Whatever is not the header of a file that such a checkpoint may become."""
    with pytest.raises(ValueError, match=r"\w"):
        wire.decode_planned(lie, ORDER)


def test_what_such_a_checkpoint_may_become() -> None:
    """There is room for small ones whatever they say."""
    assert wire.decode_planned(of_size(64 << 20), ORDER).tensor_bytes == 64 << 20


def test_values_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted before they are read; an honest worker says that there are too many."""
    monkeypatch.setattr(wire, "MAX_CONVERT_REPORT_VALUES", 20)
    many = replace(PLANNED, left=("x",) * 20)
    with pytest.raises(LimitExceededError, match="too many names"):
        wire.encode_planned(many)
    with pytest.raises(ValueError, match="too many values"):
        wire.decode_planned(said(SIZE, 0, [], [], ["x"] * 20), ORDER)


@pytest.mark.parametrize(
    "error",
    [
        ArtifactRefusedError("a\n  b", code=Code.CONVERT_REFUSED, where="w", hint="h"),
        LimitExceededError("a", expected="e", found="f\udcff"),
        ArtifactChangedError("a"),
        UsageError("a"),
        OperationError("a", code=Code.FILE_UNREADABLE),
    ],
)
def test_errors_arrive(error: WeighbridgeError) -> None:
    """With every word."""
    found = wire.decode_failure(wire.encode_failure(error))
    assert isinstance(found, WeighbridgeError)
    assert type(found) is type(error)
    assert (found.code, str(found)) == (error.code, str(error))


def test_other_errors_arrive_as_something() -> None:
    """Of a class that cannot be reported the code arrives; of the system's, the number."""
    found = wire.decode_failure(wire.encode_failure(MissingExtraError("a")))
    assert type(found) is OperationError
    full = wire.decode_failure(wire.encode_failure(OSError(errno.ENOSPC, "full")))
    assert isinstance(full, OSError)
    assert full.errno == errno.ENOSPC


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b"NaN",
        b"[]",
        b'["system"]',
        b'["system", 0]',
        b'["system", true]',
        b'["system", 99999]',
        b'["crash", "usage", "a", null, null, null, null]',
        b'["usage", "allow", "a", null, null, null, null]',
        b'["usage", "usage", "a", null, null, null]',
        b'["usage", "usage", 1, null, null, null, null]',
        b'["usage", "usage", "' + b"a" * 100_001 + b'", null, null, null, null]',
        b'"' + b"a" * (9 << 20) + b'"',
    ],
    ids=lambda lie: lie[:30].decode(),
)
def test_a_lie_is_no_error_of_ours(lie: bytes) -> None:
    """It is none that is told; that it is one is told otherwise."""
    with pytest.raises(ValueError, match=r"\w"):
        wire.decode_failure(lie)


def test_counts() -> None:
    """Eight bytes are a count, and nothing else is."""
    assert wire.decode_count(wire.encode_count(1 << 63)) == 1 << 63
    for lie in (b"", bytes(7), bytes(9)):
        with pytest.raises(ValueError, match="count"):
            wire.decode_count(lie)
