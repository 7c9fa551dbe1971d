"""What the entry points that take a path have in common."""

import os
from typing import Any

from weighbridge.load.guard.watch import guard, may_be_brought


def is_path(value: object) -> bool:
    """Tell whether *value* names a file."""
    return isinstance(value, str | bytes | os.PathLike)


def sealed(value: Any, *, entry: str) -> str:
    """
    Return what a native reader is to open instead of the path *value*.

    Raises:
        GuardDeniedError: The policy does not allow the file.
        FileNotFoundError: There is none.
    """
    return guard().path(os.fsdecode(value), entry=entry)


def look_at_library(value: Any, *, entry: str) -> None:
    """
    Look at the native library *value*, which is loaded without an event.

    Raises:
        GuardDeniedError: It lies with a model, and no rule admits its code.
    """
    path = os.path.abspath(os.fsdecode(value))
    if may_be_brought(path):
        guard().code(path, entry=entry)
