"""
Programs of ExecuTorch (exir/_serialize/program.fbs): the operators and hardware that they need.

A program has no code of its own. Its operators are looked up by name in the runtime that loads
it, and delegated parts are handed to a backend, which may be a driver that runs what was compiled.
"""

from typing import Final

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_GRAPH_NAMES
from weighbridge.core.values import frozen
from weighbridge.formats.flatbuffers import Flatbuffer

MAGIC: Final = b"ET12"
_HEADER_AT: Final = 8
_HEADER: Final = b"eh00"
_BASE_AT: Final = 24

# Fields of the tables, by their order in program.fbs.
_PLANS, _SEGMENTS = 1, 4
_OPERATORS, _DELEGATES = 6, 7


@frozen
class Program:
    """
    What a program needs.

    Attributes:
        operators: Their names with the name space, each once.
        delegates: The names of backends, each once.
    """

    operators: tuple[str, ...]
    delegates: tuple[str, ...]


def read_program(buffer: Flatbuffer) -> Program:
    """
    Read what the program needs, and hold its segments to the file.

    Raises:
        MalformedContentError: Something lies outside the file.
        LimitExceededError: Too many operators.
    """
    root = buffer.root()
    operators: dict[str, None] = {}
    delegates: dict[str, None] = {}
    plans = root.vector(_PLANS)
    if plans is None or not plans.length:
        raise MalformedContentError(
            "there is no program", where="ExecuTorch program", expected="a plan"
        )
    for plan in root.tables(_PLANS):
        for operator in plan.tables(_OPERATORS):
            operators[operator.text(0)] = None
        for delegate in plan.tables(_DELEGATES):
            delegates[delegate.text(0)] = None
        if len(operators) + len(delegates) > MAX_GRAPH_NAMES:
            raise LimitExceededError("too many operators", where="ExecuTorch program")
    base = 0
    if buffer.source.read_at(_HEADER_AT, len(_HEADER)) == _HEADER:
        base = buffer.number(_BASE_AT, 8)
    for segment in root.tables(_SEGMENTS):
        end = base + segment.number(0, 8) + segment.number(1, 8)
        if end > buffer.source.size:
            raise MalformedContentError(
                "a segment lies outside the file",
                where="ExecuTorch program",
                expected=f"an end by byte {buffer.source.size}",
                found=str(end),
            )
    return Program(operators=tuple(operators), delegates=tuple(delegates))
