"""The checks of files of numbers end well or in their error, whatever they are given."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.flatbuffers import Flatbuffer
from weighbridge.formats.mnn import external_paths
from weighbridge.formats.mxnet import MAGIC, check_mxnet
from weighbridge.formats.paddle_parameters import check_parameters
from weighbridge.formats.sniff import sniff
from weighbridge.formats.word2vec import check_word2vec

FOLDER = Path(__file__).parents[2] / "vectors" / "numbers"
Check = Callable[[ByteSource], object]
CHECKS: dict[str, Check] = {
    "m.mnn": lambda source: list(external_paths(Flatbuffer(source))),
    "m.pdiparams": lambda source: check_parameters(source, between=lambda: None),
    "mxnet.params": lambda source: check_mxnet(source, between=lambda: None),
    "word2vec.bin": check_word2vec,
}


def holds(check: Check, data: bytes) -> bool:
    """Tell whether *data* holds together; any error but the two fails the test."""
    sniff(BytesSource(data), name="x.mnn")
    try:
        check(BytesSource(data))
    except (MalformedContentError, LimitExceededError):
        return False
    return True


@pytest.mark.parametrize("name", CHECKS)
@given(data=st.binary(max_size=200))
def test_any_bytes(name: str, data: bytes) -> None:
    """Bytes that no library wrote are refused or read, behind a real start too."""
    holds(CHECKS[name], data)
    holds(CHECKS[name], FOLDER.joinpath(name).read_bytes()[: len(MAGIC) + 8] + data)


@pytest.mark.parametrize("name", CHECKS)
@given(draw=st.data())
def test_mutations(name: str, draw: st.DataObject) -> None:
    """A file that differs in one place holds or is refused."""
    data = FOLDER.joinpath(name).read_bytes()
    at = draw.draw(st.integers(0, len(data)))
    piece, cut = draw.draw(st.binary(max_size=4)), draw.draw(st.integers(0, 4))
    holds(CHECKS[name], data[:at] + piece + data[at + cut :])
