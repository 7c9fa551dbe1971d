"""
`joblib.load`: the verified file, or bytes in memory that were judged.

Large arrays go to the workers of `joblib.Parallel` as files in a directory of the program's own.
They are a part of what these processes say to each other.
"""

import os
import stat
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from weighbridge.core.content import BytesSource
from weighbridge.load.guard.entries.replacing import replace
from weighbridge.load.guard.handing import hand_over
from weighbridge.load.guard.judging import scope_of
from weighbridge.load.guard.scopes import EXCHANGE, Scope, current, entered, working
from weighbridge.load.guard.watch import guard
from weighbridge.load.judged import judge_pickle

_ENTRY: Final = "joblib.load"
_FOLDER: Final = "joblib_memmapping_folder_"


def install(module: ModuleType) -> None:
    """Guard `joblib.numpy_pickle`."""
    replace(module, "load", _guarded)
    replace(module, "load_temporary_memmap", _exchanged)


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    def load(filename: Any, *args: Any, **options: Any) -> Any:
        if hasattr(filename, "read"):
            file, scope = hand_over(filename, entry=_ENTRY, judge=_judge)
            with entered(scope):
                return original(file, *args, **options)
        path = os.fsdecode(filename)
        with entered(Scope(what=path, verified=True)):
            return original(guard().path(path, entry=_ENTRY), *args, **options)

    return load


def _exchanged(original: Callable[..., Any]) -> Callable[..., Any]:
    def load_temporary_memmap(filename: Any, *args: Any, **options: Any) -> Any:
        if current() is EXCHANGE and _is_private(os.path.dirname(os.fsdecode(filename))):
            with working():
                return original(filename, *args, **options)
        return original(filename, *args, **options)

    return load_temporary_memmap


def _is_private(folder: str) -> bool:
    """Tell whether *folder* is one that joblib made for its workers, and nobody else may write."""
    if not os.path.basename(folder).startswith(_FOLDER):
        return False
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _judge(data: bytes) -> Scope:
    judged = judge_pickle(BytesSource(data), name="memory.joblib", where="bytes in memory")
    return scope_of(judged, whole=True)
