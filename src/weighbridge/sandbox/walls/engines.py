"""The engines there are, and which one to use."""

from typing import Final

from weighbridge.core.errors import IsolationError, UsageError
from weighbridge.sandbox.walls.bubblewrap import Bubblewrap
from weighbridge.sandbox.walls.direct import Direct
from weighbridge.sandbox.walls.interface import Engine, Strength

ENGINES: Final[tuple[Engine, ...]] = (Bubblewrap(), Direct())
"""The strongest first."""


def choose_engine(name: str | None = None, /) -> tuple[Engine, Strength]:
    """
    Return the engine called *name*, or else the first that works here, and what it enforces.

    Raises:
        UsageError: There is no engine of that name.
        IsolationError: It does not work here, or none does; each says why.
    """
    asked = [engine for engine in ENGINES if name in {None, engine.name}]
    if not asked:
        raise UsageError(
            "there is no such engine",
            expected=" or ".join(engine.name for engine in ENGINES),
            found=str(name),
        )
    refused = []
    for engine in asked:
        strength = engine.probe()
        if strength.walls:
            return engine, strength
        refused.append(f"{engine.name}: {strength.missing[0][1]}")
    raise IsolationError(
        "no engine can isolate a program on this machine",
        found="; ".join(refused),
        hint="weighbridge doctor says what is missing",
    )
