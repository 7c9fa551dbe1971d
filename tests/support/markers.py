"""Pickles that would leave a mark: what is there afterwards shows that something of them ran."""

import pickle
from collections.abc import Callable
from pathlib import Path


class Call:
    """Pickles as a call of *function* with *arguments*."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


def leave_mark(place: Path) -> None:
    """Make the file *place*; nobody knows this function to be harmful."""
    place.touch()


def marking_pickle(marker: Path, value: object = None, *, protocol: int = 4) -> bytes:
    """Return a pickle of *value* beside a call that makes the file *marker*."""
    return pickle.dumps([value, Call(Path.touch, marker)], protocol=protocol)
