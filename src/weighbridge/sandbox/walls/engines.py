"""The engines there are, and which one to use."""

from collections.abc import Sequence
from typing import Final

from weighbridge.core.errors import IsolationError, UsageError
from weighbridge.sandbox.walls.bubblewrap import Bubblewrap
from weighbridge.sandbox.walls.direct import Direct
from weighbridge.sandbox.walls.gvisor import Gvisor
from weighbridge.sandbox.walls.interface import REQUIRED, Engine, Strength

BY_THEMSELVES: Final[tuple[Engine, ...]] = (Bubblewrap(), Direct())
"""Those that are taken without being named, the strongest first."""

ENGINES: Final[tuple[Engine, ...]] = (*BY_THEMSELVES, Gvisor())
"""All that can be named."""


def choose_engine(
    name: str | None = None, /, *, admitted: Sequence[str] = ()
) -> tuple[Engine, Strength]:
    """
    Return the engine called *name*, or else the first that works here, and what it enforces.

    Args:
        name: The one to take.
        admitted: The only ones that may be taken, the preferred first; empty for any.

    Raises:
        UsageError: There is no engine of that name.
        IsolationError: It may not be taken or does not work here, or none does; each says why.
    """
    named = {engine.name: engine for engine in ENGINES}
    for each in (*admitted, *(() if name is None else (name,))):
        if each not in named:
            raise UsageError("there is no such engine", expected=" or ".join(named), found=each)
    if name is not None and admitted and name not in admitted:
        raise IsolationError(
            "the rule does not admit this engine", expected=" or ".join(admitted), found=name
        )
    chosen = admitted if name is None else (name,)
    asked = [named[each] for each in chosen] or BY_THEMSELVES
    refused, remedies = [], list[str]()
    for engine in asked:
        strength = engine.probe()
        if strength.works:
            return engine, strength
        refused.append(f"{engine.name}: {_why(strength)}")
        remedies += strength.remedies
    raise IsolationError(
        "no engine can isolate a program on this machine",
        found="; ".join(refused),
        hint="; ".join(dict.fromkeys(remedies)) or "weighbridge doctor says what is missing",
    )


def _why(strength: Strength) -> str:
    """Return why programs cannot be run behind an engine, each reason once."""
    reasons = (reason for wall, reason in strength.missing if wall in REQUIRED)
    return ", ".join(dict.fromkeys(reasons))
