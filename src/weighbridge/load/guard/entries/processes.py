"""
`_posixsubprocess.fork_exec`: how `multiprocessing` and loky start processes, without an event.

`subprocess` has one, and is looked at there.
"""

from __future__ import annotations

import os
import sys

from weighbridge.load.guard.entries.replacing import replace
from weighbridge.load.guard.watch import forked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any


def install(module: ModuleType) -> None:
    """Guard `_posixsubprocess`."""
    replace(module, "fork_exec", _guarded)


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    def fork_exec(arguments: Any, programs: Any, *rest: Any) -> Any:
        if sys._getframe(2).f_globals.get("__name__") != "subprocess":
            _look_at(arguments, programs, rest)
        return original(arguments, programs, *rest)

    return fork_exec


def _look_at(arguments: Any, programs: Any, rest: Any) -> None:
    """Have the first of *programs* that is there looked at: that one will be started."""
    program = next(filter(os.path.isfile, programs), None)
    _close, _kept, folder, variables, *_ = rest
    environment = None
    if variables is not None:
        pairs = (os.fsdecode(each).partition("=") for each in variables)
        environment = {name: value for name, _, value in pairs}
    forked((program, list(arguments), environment), folder)
