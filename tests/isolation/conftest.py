"""What the tests of isolation share."""

from functools import cache
from pathlib import Path

import pytest

from support.publisher import make_signed_workplace
from support.walled import write_policy
from weighbridge.sandbox.walls.engines import ENGINES
from weighbridge.sandbox.walls.interface import Strength

NAMES = [engine.name for engine in ENGINES]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a signed model, and a policy that demands isolation."""
    make_signed_workplace(tmp_path)
    write_policy(tmp_path)
    return tmp_path


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest) -> str:
    """Return an engine that works here."""
    return working(request.param)


@pytest.fixture(params=[engine.name for engine in ENGINES if engine.lacks("listen") is None])
def serving_engine(request: pytest.FixtureRequest) -> str:
    """Return an engine that works here and lets servers be asked."""
    return working(request.param)


@pytest.fixture(params=[engine.name for engine in ENGINES if engine.lacks("together") is None])
def grouping_engine(request: pytest.FixtureRequest) -> str:
    """Return an engine that works here and limits programs by control groups where it can."""
    return working(request.param)


@pytest.fixture(params=[engine.name for engine in ENGINES if engine.lacks("cpu_seconds") is None])
def opening_engine(request: pytest.FixtureRequest) -> str:
    """Return an engine that works here and that pickles are opened by."""
    return working(request.param)


def working(name: str) -> str:
    """Return *name*, or skip where that engine cannot work, which is no fault of it."""
    strength = probed(name)
    if not strength.works:
        pytest.skip(f"{name}: {strength.missing[0][1]}")
    return name


@cache
def probed(name: str) -> Strength:
    """Return what the engine called *name* enforces here, which stays so while tests run."""
    (found,) = [engine for engine in ENGINES if engine.name == name]
    return found.probe()
