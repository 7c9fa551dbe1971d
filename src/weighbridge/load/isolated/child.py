"""
What runs behind the walls: open one file, describe what it holds, hand that back, and end.

Standard input is the file, sealed; standard output a memory file for the answer. Everything else
that a library prints goes to standard error. Whatever goes wrong with the file is an answer too;
what goes wrong with this process is seen by how it ends.
"""

import json
import os
import sys
from typing import Any, Final, NoReturn

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import LimitExceededError, OperationError, WeighbridgeError
from weighbridge.load.held import HeldFile
from weighbridge.load.isolated.collecting import Collector, write_error
from weighbridge.load.isolated.describing import Describer
from weighbridge.load.isolated.opening import CHECKPOINTS, open_anything, open_judged
from weighbridge.load.memfd import Descriptor, SealedMemory
from weighbridge.sandbox.walls.alone import stay_alone

FINE: Final = 0
"""Exit code of a process that handed back a value or an error; of any other nothing is read."""

_RECURSION: Final = 10_000


def main(order: str) -> NoReturn:
    """Do what *order*, as JSON, says."""
    wanted = json.loads(order)
    # Only this code writes to the answer; descriptors of programs cannot be told apart later.
    answer = os.dup(1)
    os.dup2(2, 1)
    sys.path += wanted["search"]
    sys.setrecursionlimit(_RECURSION)
    stay_alone(tuple(wanted["readable"]), memory_bytes=wanted["memory"])
    try:
        _answer(wanted, answer)
    except WeighbridgeError as error:
        cause = error.__cause__
        met = isinstance(cause, MemoryError | RecursionError)
        write_error(_bound(cause, wanted["where"]) if met else error, answer)
    except (MemoryError, RecursionError) as error:
        write_error(_bound(error, wanted["where"]), answer)
    sys.stderr.flush()
    # Nothing that an object has left to be done at the end is done.
    os._exit(FINE)


def _answer(wanted: dict[str, Any], answer: int) -> None:
    where = wanted["where"]
    file_format = FileFormat(wanted["format"])
    collector = Collector(room=wanted["room"])
    if wanted["judged"]:
        memory = SealedMemory(Descriptor(os.dup(0)), size=os.fstat(0).st_size)
        value = open_judged(HeldFile(memory), file_format, name=wanted["name"], where=where)
    else:
        with os.fdopen(os.dup(0), "rb") as file:
            value = open_anything(file, file_format, where=where)
    placed = wanted["judged"] and file_format in CHECKPOINTS
    describer = Describer(collector, extensions(placed=placed))
    collector_value = describer.describe(value)
    os.ftruncate(answer, 0)
    try:
        collector.write(collector_value, answer)
    except OSError as error:
        raise OperationError(f"the answer cannot be written: {error.strerror or error}") from error


def extensions(*, placed: bool) -> tuple[Any, ...]:
    """Return what describes the values of packages, where these were imported."""
    found: list[Any] = []
    if placed:
        from weighbridge.load.isolated.checkpoints import (  # noqa: PLC0415  needs NumPy
            describe_placed,
        )

        found.append(describe_placed)
    if "numpy" in sys.modules:
        from weighbridge.load.isolated.numpy_values import (  # noqa: PLC0415  optional
            describe_numpy,
        )

        found.append(describe_numpy)
    if "torch" in sys.modules:
        from weighbridge.load.isolated.torch_values import (  # noqa: PLC0415  optional
            describe_torch,
        )

        found.append(describe_torch)
    return tuple(found)


def _bound(error: BaseException | None, where: str) -> LimitExceededError:
    """Return the error for a bound of this process that was met, of memory or of recursion."""
    if isinstance(error, MemoryError):
        return LimitExceededError(
            "the file takes more memory than an isolated load may have",
            where=where,
            hint="Allow more in the policy's rule: isolation.memory-mib",
        )
    return LimitExceededError("the file holds values within too many values", where=where)
