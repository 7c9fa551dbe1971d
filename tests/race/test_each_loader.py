"""
Each loader while somebody changes the model: what was signed comes out, or an error.

Short races; `make race` makes ten thousand attempts against each loader.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.holding import admit
from support.raced_models import MODELS, Raced
from support.races import Outcome, quick_loads, race
from weighbridge.core.codes import Code
from weighbridge.load.store import STORE_VARIABLE

_KINDS = {
    "llama_cpp": pytest.mark.heavy,
    "tensorflow": pytest.mark.heavy,
    "torch": pytest.mark.torch,
}

_QUIET = [
    # Keras 3.15 on NumPy 2, when it reads a variable of its own.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
]

ATTEMPTS = 60
SEED = 20317


def _marks(raced: Raced) -> list[pytest.MarkDecorator]:
    """Return the environment in which *raced* has what it needs."""
    if not raced.packages:
        return []
    kind = _KINDS.get(raced.packages[0], pytest.mark.frameworks)
    missing = ", ".join(raced.missing)
    return [kind, pytest.mark.skipif(bool(missing), reason=f"needs {missing}"), *_QUIET]


RACED = [pytest.param(each, id=each.name, marks=_marks(each)) for each in MODELS]


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Let confined workers serve all loads of this module."""
    with quick_loads():
        yield


@pytest.mark.parametrize("raced", RACED)
def test_only_signed_bytes_are_used(raced: Raced, tmp_path: Path) -> None:
    """Whatever is loaded of a model under attack is what was signed, at once and later."""

    def go_on(outcome: Outcome) -> bool:
        # Ends by the time limit of all tests if the race never met a load, or always.
        return outcome.attempts < ATTEMPTS or not outcome.met

    outcome = race(raced, tmp_path, seed=SEED, go_on=go_on)
    assert Code.INTERNAL not in outcome.refused


@pytest.mark.parametrize("raced", RACED)
def test_the_evil_model_would_be_noticed(
    raced: Raced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the attacker puts there is a model as well, of which other numbers come out."""
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    good, evil = (raced.use(admit(raced.files(number))) for number in (1, 2))
    assert good != evil
