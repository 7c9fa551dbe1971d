"""
What stands for classes and functions that are not installed where a pickle is read.

It takes whatever a pickle does with it and keeps that, so that the rest of the file can be
described. Nothing is done.
"""

from copyreg import _reconstructor  # type: ignore[attr-defined]  # what pickles call
from typing import Any, Self


class StandIn:
    """An instance of a class that is not there, or what a function that is not there returned."""

    def __new__(cls, *arguments: object, **named: object) -> Self:
        """Keep what it is made from."""
        self = super().__new__(cls)
        object.__getattribute__(self, "__dict__")["arguments"] = (
            (*arguments, named) if named else arguments
        )
        return self

    def __init__(self, *arguments: object, **named: object) -> None:
        """Do nothing."""

    def __setstate__(self, state: object) -> None:
        """Keep the state."""
        object.__getattribute__(self, "__dict__")["state"] = state

    def append(self, item: object) -> None:
        """Keep an item of a list."""
        self._items().append(item)

    def extend(self, items: "list[object]") -> None:
        """Keep items of a list."""
        self._items().extend(items)

    def add(self, item: object) -> None:
        """Keep an item of a set."""
        self._items().append(item)

    def __setitem__(self, key: object, value: object) -> None:
        """Keep an item of a dict."""
        self._items().append((key, value))

    def __call__(self, *arguments: object, **named: object) -> "StandIn":
        """Stand for what it returns when it is called."""
        return type(self)(self, *arguments, **named)

    def _items(self) -> "list[object]":
        kept: dict[str, list[object]] = object.__getattribute__(self, "__dict__")
        return kept.setdefault("items", [])


def stand_in_for(module: str, name: str, /) -> type[StandIn]:
    """Return a class that stands for *name* of *module*."""
    return type(name.rpartition(".")[2], (StandIn,), {"__module__": module, "__qualname__": name})


def parts_of(value: StandIn, /) -> tuple[tuple[object, ...], object, object]:
    """Return arguments, state and items of *value*."""
    kept = object.__getattribute__(value, "__dict__")
    return kept.get("arguments", ()), kept.get("state"), kept.get("items")


def reconstruct(made: Any, base: Any, state: object, /) -> object:  # noqa: ANN401  as copyreg has it
    """Do what `copyreg._reconstructor` does, which knows no stand-ins."""
    if not issubclass(made, StandIn):
        return _reconstructor(made, base, state)
    found = made()
    if base is not object:
        object.__getattribute__(found, "__dict__")["items"] = [state]
    return found
