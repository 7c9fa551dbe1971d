"""A lineage as a graph in the languages of Mermaid and of Graphviz."""

import string
from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import one_line
from weighbridge.core.lineage import Lineage, LineageNode, LineageStep, Standing

_CHARS: Final = 120
_PLAIN: Final = frozenset(string.ascii_letters + string.digits + " .,_/:@+-=()")
"""Characters that mean themselves in a quoted label of Mermaid."""

_COLOURS: Final = {
    Standing.HOLDS: "#2da44e",
    Standing.BROKEN: "#cf222e",
    Standing.CLAIMED: "#bf8700",
}


def lineage_mermaid(lineage: Lineage) -> str:
    """Return *lineage* as a flowchart of Mermaid; what artifacts are called is only ever text."""
    return "\n".join(_mermaid_lines(lineage)) + "\n"


def lineage_dot(lineage: Lineage) -> str:
    """Return *lineage* in the DOT language; what artifacts are called is only ever text."""
    return "\n".join(_dot_lines(lineage)) + "\n"


def _mermaid_lines(lineage: Lineage) -> Iterator[str]:
    yield "flowchart BT"
    for number, node in enumerate(lineage.nodes):
        label = "<br/>".join(_escape_mermaid(line) for line in _node_label(node))
        yield f'  a{number}["{label}"]:::{node.standing}'
    for name, number, step in _steps(lineage):
        label = "<br/>".join(_escape_mermaid(line) for line in _step_label(step))
        yield f'  {name}(["{label}"]):::{step.standing}'
        yield f"  {name} --> a{number}"
        for each in step.inputs:
            if each is not None:
                yield f"  a{each} --> {name}"
    for standing, colour in _COLOURS.items():
        yield f"  classDef {standing} stroke:{colour},stroke-width:2px"


def _dot_lines(lineage: Lineage) -> Iterator[str]:
    yield "digraph lineage {"
    yield "  rankdir = BT;"
    yield '  node [fontname = "sans-serif"];'
    for number, node in enumerate(lineage.nodes):
        label = "\\n".join(_escape_dot(line) for line in _node_label(node))
        colour = _COLOURS[node.standing]
        yield f'  a{number} [shape = box, color = "{colour}", label = "{label}"];'
    for name, number, step in _steps(lineage):
        label = "\\n".join(_escape_dot(line) for line in _step_label(step))
        colour = _COLOURS[step.standing]
        yield f'  {name} [shape = ellipse, color = "{colour}", label = "{label}"];'
        yield f"  {name} -> a{number};"
        for each in step.inputs:
            if each is not None:
                yield f"  a{each} -> {name};"
    yield "}"


def _steps(lineage: Lineage) -> Iterator[tuple[str, int, LineageStep]]:
    """Yield every step with a name for it and the number of what it gave."""
    for number, node in enumerate(lineage.nodes):
        for place, step in enumerate(node.steps):
            yield f"s{number}x{place}", number, step


def _node_label(node: LineageNode) -> Iterator[str]:
    yield node.artifact.name
    yield f"{node.artifact.binding.label} {node.standing}"
    if node.signers:
        yield f"signed by {', '.join(node.signers)}"
    if node.receipt is not None:
        yield f"receipt {node.receipt}"


def _step_label(step: LineageStep) -> Iterator[str]:
    yield step.build.build_type
    yield f"by {step.build.builder_id}"
    yield str(step.standing) if step.trust is None else f"signed by {step.trust} {step.standing}"


def _escape_mermaid(text: str) -> str:
    """Return *text* with everything that could mean something to Mermaid or HTML as a number."""
    return "".join(each if each in _PLAIN else f"#{ord(each)};" for each in _cut(text))


def _escape_dot(text: str) -> str:
    return _cut(text).replace("\\", "\\\\").replace('"', '\\"')


def _cut(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _CHARS else f"{line[: _CHARS - 1]}…"
