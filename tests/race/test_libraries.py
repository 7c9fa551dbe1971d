"""
Libraries that take a model's directory, while somebody changes the model.

Short races; `make race` makes ten thousand attempts against each library.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hub_models import needs_libraries
from support.raced_libraries import WHOLE, Whole
from support.races import Outcome, quick_loads, race
from weighbridge.core.codes import Code

pytestmark = needs_libraries

ATTEMPTS = 30
SEED = 20318


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Let confined workers serve all loads of this module."""
    with quick_loads():
        yield


@pytest.mark.parametrize("raced", [pytest.param(each, id=each.name) for each in WHOLE])
def test_only_signed_directories_are_used(raced: Whole, tmp_path: Path) -> None:
    """What a library makes of a model under attack is the one that was signed, at once and later."""

    def go_on(outcome: Outcome) -> bool:
        # The time limit of all tests ends a race that never met a load.
        return outcome.attempts < ATTEMPTS or not outcome.met

    outcome = race(raced, tmp_path, seed=SEED, go_on=go_on)
    assert outcome.loaded
    assert Code.INTERNAL not in outcome.refused
