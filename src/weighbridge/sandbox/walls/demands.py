"""What a rule demands beyond the walls that every program has, and whether an engine can do it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Final

from weighbridge.core.errors import IsolationError
from weighbridge.sandbox.walls.interface import Engine, Limits, Walls

_ALWAYS: Final = frozenset({"readable", "shown", "writable", "environment", "directory", "limits"})
"""What every engine is there for."""

_KEYS: Final[Mapping[str, str]] = {
    "memory_bytes": "memory-mib",
    "file_bytes": "file-mib",
    "temporary_bytes": "tmp-mib",
}
"""Demands that policies call otherwise."""


def demands() -> tuple[str, ...]:
    """Return the names of all that rules can demand beyond what every engine is there for."""
    names = (field.name for kind in (Walls, Limits) for field in fields(kind))
    return tuple(name for name in names if name not in _ALWAYS)


def policy_key(demand: str, /) -> str:
    """Return what `isolation` in policies calls *demand*."""
    return _KEYS.get(demand, demand.replace("_", "-"))


def demanded(walls: Walls, /) -> Iterator[str]:
    """
    Yield the names of what *walls* ask for beyond what every engine is there for.

    They are those of the fields of `Walls` and `Limits` that are not as they are by default, so
    a field that is added is demanded without a word here.
    """
    plain = Walls(readable=())
    for field in fields(Walls):
        if field.name not in _ALWAYS and getattr(walls, field.name) != getattr(plain, field.name):
            yield field.name
    for field in fields(Limits):
        if getattr(walls.limits, field.name) is not None:
            yield field.name


def require(engine: Engine, walls: Walls, /) -> None:
    """
    Refuse what *engine* cannot hold, before anything is started.

    Raises:
        IsolationError: It lacks something that is demanded; says what, why, and what to do.
    """
    for demand in demanded(walls):
        require_one(engine, demand)


def require_one(engine: Engine, demand: str, /) -> None:
    """
    Refuse *demand* where *engine* lacks it; see `require`.

    Raises:
        IsolationError: It lacks it.
    """
    reason = engine.lacks(demand)
    if reason is not None:
        raise IsolationError(
            f"the engine {engine.name} cannot do what the rule demands",
            where=f"isolation.{policy_key(demand)}",
            found=reason,
            hint="Choose another engine (weighbridge doctor says which work here), or take "
            "it out of the rule",
        )
