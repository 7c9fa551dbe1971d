"""What rules demand of engines beyond the walls."""

from dataclasses import fields
from typing import Any

import pytest

from weighbridge.core.endpoints import Destination, Listening
from weighbridge.core.errors import IsolationError
from weighbridge.policy import isolation_reader
from weighbridge.sandbox.walls.demands import demanded, require
from weighbridge.sandbox.walls.engines import ENGINES
from weighbridge.sandbox.walls.interface import Engine, Limits, Walls

ALWAYS = {"readable", "shown", "writable", "environment", "directory", "limits"}


def limited(name: str) -> Limits:
    """Return limits of which one is set."""
    values: dict[str, Any] = {name: 1}
    return Limits(**values)


DEMANDS: dict[str, Walls] = {
    "listen": Walls(readable=(), listen=(Listening(port=8000),)),
    "interfaces": Walls(readable=(), interfaces=True),
    "gpus": Walls(readable=(), gpus=("/dev/nvidia0",)),
    "connect": Walls(readable=(), connect=(Destination.parse("a.example:1"),)),
    **{field.name: Walls(readable=(), limits=limited(field.name)) for field in fields(Limits)},
}
NOT_HELD = {
    "bubblewrap": set[str](),
    "direct": {"connect", "interfaces", "temporary_bytes"},
    "gvisor": {
        *("gpus", "listen", "connect", "interfaces", "cpu_seconds", "temporary_bytes", "together"),
    },
}
"""What each engine is known to lack."""


def test_everything_that_can_be_demanded_is() -> None:
    """No field of the walls can be set without being a demand, but what engines are there for."""
    names = {field.name for field in fields(Walls)} | {field.name for field in fields(Limits)}
    assert names == ALWAYS | set(DEMANDS)
    assert not list(demanded(Walls(readable=("/usr",), writable=("/out",), directory="/out")))


@pytest.mark.parametrize("name", sorted(DEMANDS))
@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_what_an_engine_cannot_do_is_refused(engine: Engine, name: str) -> None:
    """A demand is met, or refused by its name in the policy before anything is started."""
    assert list(demanded(DEMANDS[name])) == [name]
    if name in NOT_HELD[engine.name]:
        with pytest.raises(IsolationError, match=r"isolation\."):
            require(engine, DEMANDS[name])
    else:
        require(engine, DEMANDS[name])


def test_policies_can_name_every_engine() -> None:
    """What a rule can admit is what there is."""
    assert set(isolation_reader.ENGINES) == {engine.name for engine in ENGINES}


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_what_an_engine_has_not_heard_of_it_lacks(engine: Engine) -> None:
    """A demand that is added is refused until an engine learns it."""
    assert engine.lacks("something-new")
