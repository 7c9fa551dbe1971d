"""
Models of MNN (schema/default/MNN.fbs): operators, and the files that their weights lie in.

There is no operator that runs code of the file, and none but those that the runtime brings.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import MalformedContentError
from weighbridge.formats.flatbuffers import Flatbuffer, Table

# Fields of the tables, by their order in MNN.fbs.
_OPERATORS, _GRAPHS = 3, 10
_NODES: Final = 4
_NAME, _PATH = 3, 7


def external_paths(buffer: Flatbuffer) -> Iterator[tuple[str, str]]:
    """
    Walk every operator; yield the name of each that has its weights elsewhere, and where.

    Raises:
        MalformedContentError: Something lies outside the file, or there is no operator.
        LimitExceededError: Too many operators.
    """
    root = buffer.root()
    operators = root.vector(_OPERATORS)
    if operators is None or not operators.length:
        raise MalformedContentError("there is no model", where="MNN", expected="operators")
    for operator in _operators(root):
        name, path = operator.text(_NAME), operator.text(_PATH)
        if path:
            yield name, path


def _operators(root: Table) -> Iterator[Table]:
    """Yield the operators of the model and of its subgraphs."""
    yield from root.tables(_OPERATORS)
    for graph in root.tables(_GRAPHS):
        yield from graph.tables(_NODES)
