"""Pickles that were changed at any place: what was judged is loaded, or nothing is."""

import pickle
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from support.holding import admit
from weighbridge.core.errors import WeighbridgeError

VECTORS = Path(__file__).parents[2] / "vectors" / "load"
PLAIN = [
    pickle.dumps([OrderedDict(a=Fraction(1, 2)), {"b": (1.5, None)}, {3, 4}], protocol)
    for protocol in range(6)
]
DIVERGED = "in another way than it was judged"
JOBLIB = (VECTORS / "arrays.joblib").read_bytes()


@st.composite
def changed(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """Draw one of *originals* with some bytes replaced, inserted or taken out."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


def load(data: bytes) -> tuple[object, WeighbridgeError | None]:
    """Return what *data* holds, or the error of ours that there is instead."""
    try:
        return admit({"m": data}).as_("joblib", file="m"), None
    except WeighbridgeError as error:
        return None, error


@given(changed(PLAIN))
def test_changed_pickles(data: bytes) -> None:
    """A changed pickle gives what `pickle.loads` gives, or an error of ours, and no other."""
    loaded, error = load(data)
    if error is None:
        # Its every name was judged, so that this is harmless.
        assert repr(loaded) == repr(pickle.loads(data))
    else:
        assert DIVERGED not in str(error)


@given(changed([JOBLIB]))
def test_changed_files_of_joblib(data: bytes) -> None:
    """A changed file of joblib is loaded or an error of ours, and read as it was judged."""
    _, error = load(data)
    assert error is None or DIVERGED not in str(error)
