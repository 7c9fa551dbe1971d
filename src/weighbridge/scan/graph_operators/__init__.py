"""
What is known of the operators of ONNX and TensorFlow.

The lists are data (`*.json` beside this module), made from the frameworks' own registries by
`tools/graph_operators/make.py`, which also holds what was decided by hand. What is in no list is
unknown, and reported.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from weighbridge.core.values import frozen

ONNX_PYTHON: Final = frozenset({"PyOp", "PyCustomOp", "PythonOp", "PythonOpGrad"})
"""Operators that call Python, whatever domain they are said to be of."""


class Effect(StrEnum):
    """How an operator reaches out of its graph."""

    EXECUTE = "execute"
    WRITE = "write"
    READ = "read"
    CONNECT = "connect"


class Condition(StrEnum):
    """What decides whether an operator that every other model has does harm."""

    CHECKPOINT = "checkpoint"
    ASSET = "asset"
    STREAM = "stream"
    DESCRIPTOR = "descriptor"
    MODULE = "module"


@frozen
class TensorFlowOperators:
    """
    TensorFlow's operators by class.

    Attributes:
        effects: Those that reach out of the graph: how, and what they do, as a clause.
        conditions: Those that do so by what they are given.
        allowed: Those that do not.
        calls: Those that call functions that their attributes name.
    """

    effects: Mapping[str, tuple[Effect, str]]
    conditions: Mapping[str, Condition]
    allowed: frozenset[str]
    calls: frozenset[str]


@frozen
class OnnxOperators:
    """
    ONNX's and ONNX Runtime's operators by domain.

    Attributes:
        effects: Those that reach out of the graph, and what they do, as a clause.
        allowed: Those that do not.
    """

    effects: Mapping[tuple[str, str], str]
    allowed: Mapping[str, frozenset[str]]


@cache
def tensorflow_operators() -> TensorFlowOperators:
    """Return the table for TensorFlow."""
    table = _load("tensorflow")
    return TensorFlowOperators(
        effects={name: (Effect(row[0]), row[1]) for name, row in table["effects"].items()},
        conditions={name: Condition(what) for name, what in table["conditions"].items()},
        allowed=frozenset(table["allowed"]),
        calls=frozenset(table["calls"]),
    )


@cache
def onnx_operators() -> OnnxOperators:
    """Return the table for ONNX."""
    table = _load("onnx")
    return OnnxOperators(
        effects={
            (domain, name): why
            for domain, names in table["effects"].items()
            for name, why in names.items()
        },
        allowed={domain: frozenset(names) for domain, names in table["allowed"].items()},
    )


def _load(name: str) -> dict[str, Any]:
    """Read one of the lists."""
    folder = files("weighbridge.scan.graph_operators")
    table: dict[str, Any] = json.loads(folder.joinpath(f"{name}.json").read_text("utf-8"))
    return table
