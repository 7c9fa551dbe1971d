"""What the tests of isolation share."""

from pathlib import Path

import pytest

from support.publisher import make_workplace, weighbridge
from support.walled import write_policy
from weighbridge.sandbox.walls.engines import ENGINES

NAMES = [engine.name for engine in ENGINES]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a signed model, and a policy that demands isolation."""
    make_workplace(tmp_path)
    signed = weighbridge(tmp_path, "sign", "key", "model", "--private-key", "publisher.key")
    assert signed.code == 0
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
    (found,) = [engine for engine in ENGINES if engine.name == name]
    strength = found.probe()
    if not strength.works:
        pytest.skip(f"{name}: {strength.missing[0][1]}")
    return name
