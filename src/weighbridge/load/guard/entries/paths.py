"""What the entry points that take a path have in common."""

import os
from typing import Any

from weighbridge.load.guard.watch import guard


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
