"""`joblib.load`: the verified file, or bytes in memory that were judged."""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from weighbridge.core.content import BytesSource
from weighbridge.load.guard.entries.replacing import replace
from weighbridge.load.guard.handing import hand_over
from weighbridge.load.guard.judging import scope_of
from weighbridge.load.guard.scopes import Scope, entered
from weighbridge.load.guard.watch import guard
from weighbridge.load.judged import judge_pickle

_ENTRY: Final = "joblib.load"


def install(module: ModuleType) -> None:
    """Guard `joblib.numpy_pickle`."""
    replace(module, "load", _guarded)


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


def _judge(data: bytes) -> Scope:
    judged = judge_pickle(BytesSource(data), name="memory.joblib", where="bytes in memory")
    return scope_of(judged, whole=True)
