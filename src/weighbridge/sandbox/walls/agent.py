"""
The process between a caller and an engine; see `errand`.

A fresh interpreter, outside the walls, that never reads what the program inside reads or writes. It
tells by a pipe of its own how that ended.
"""

import json
import os
import signal
from typing import Any, Final, NoReturn

from weighbridge.core.errors import IsolationError, UsageError
from weighbridge.sandbox import kernel
from weighbridge.sandbox.walls.engines import ENGINES
from weighbridge.sandbox.walls.interface import Limits, Walls

_FAILED: Final = 1


def main(order: int, report: int) -> NoReturn:
    """Read the order from the descriptor *order*, carry it out, and tell *report* of it."""
    with os.fdopen(order, "rb") as file:
        wanted = json.loads(file.read())
    os.set_inheritable(report, False)
    # It ends with the thread that waits for it, and the program ends with it.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != wanted["parent"]:
        os._exit(_FAILED)
    os.write(report, json.dumps(_carry_out(wanted)).encode())
    os._exit(0)


def _carry_out(wanted: "dict[str, Any]") -> dict[str, object]:
    (engine,) = [each for each in ENGINES if each.name == wanted["engine"]]
    try:
        return {"exit-code": engine.run(wanted["command"], _walls(wanted)).code}
    except (IsolationError, UsageError) as error:
        return {
            "kind": "usage" if isinstance(error, UsageError) else "isolation",
            "message": error.message,
            "where": error.where,
            "found": error.found,
            "hint": error.hint,
        }


def _walls(wanted: "dict[str, Any]") -> Walls:
    fields = {name: _tuples(value) for name, value in wanted["walls"].items()}
    return Walls(**fields, limits=Limits(**wanted["limits"]))


def _tuples(value: object) -> Any:  # noqa: ANN401  as a field has it
    """Return lists, which JSON has, as tuples, which values have."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
