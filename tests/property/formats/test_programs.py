"""The readers of ONNX Runtime's and ExecuTorch's flatbuffers end well or in their errors."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.tflite import Number, Tables, flatbuffer
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.executorch import read_program
from weighbridge.formats.flatbuffers import Flatbuffer
from weighbridge.formats.ort import read_operators

VECTORS = Path(__file__).parents[2] / "vectors"
PLAN = {6: Tables(({0: "aten::add", 1: "out"},)), 7: Tables(({0: "XnnpackBackend"},))}
READERS: dict[str, tuple[bytes, Callable[[Flatbuffer], object]]] = {
    "ort": (VECTORS.joinpath("ort", "model.ort").read_bytes(), lambda b: list(read_operators(b))),
    "executorch": (
        flatbuffer({0: Number(0), 1: Tables((PLAN,))}, identifier=b"ET12"),
        read_program,
    ),
}


@pytest.mark.parametrize("name", READERS)
@given(draw=st.data())
def test_mutations(name: str, draw: st.DataObject) -> None:
    """A file that differs in one place, or is cut, is read or refused."""
    data, read = READERS[name]
    at = draw.draw(st.integers(0, len(data)))
    piece, cut = draw.draw(st.binary(max_size=4)), draw.draw(st.integers(0, 4))
    changed = data[:at] + piece + data[at + cut :]
    for each in (changed, changed[:at]):
        try:
            read(Flatbuffer(BytesSource(each)))
        except (MalformedContentError, LimitExceededError):
            continue
