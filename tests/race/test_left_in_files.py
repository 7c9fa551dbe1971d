"""
Loads that leave the bytes in files, or go by claimed parts, while somebody changes the model.

What such a load gives out, at once and much later, is what was signed; or it is an error. Short
races; `make race` makes ten thousand attempts against each.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.raced_models import HELD, Raced
from support.races import Outcome, quick_loads, race
from weighbridge.core.codes import Code

ATTEMPTS = 60
SEED = 20311


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Let confined workers serve all loads of this module, and no verified part be kept."""
    with quick_loads():
        yield


@pytest.mark.parametrize("raced", [pytest.param(each, id=each.name) for each in HELD])
def test_nothing_else_is_given_out(raced: Raced, tmp_path: Path) -> None:
    """Whatever happens to the files: the signed bytes, or an error, of each file by itself."""
    by_parts = raced.claimed and raced.hold != "memory"

    def go_on(outcome: Outcome) -> bool:
        # The time limit of all tests ends a race that never met a load.
        met = outcome.met and (outcome.by_parts or not by_parts)
        return outcome.attempts < ATTEMPTS or not met

    outcome = race(raced, tmp_path, seed=SEED, go_on=go_on)
    assert bool(outcome.by_parts) == by_parts
    assert Code.INTERNAL not in outcome.refused
