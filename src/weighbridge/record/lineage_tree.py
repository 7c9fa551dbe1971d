"""A lineage for people: a tree, the artifact at its root and what it was made from below it."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import one_line
from weighbridge.core.limits.policy import MAX_DRAWN_GENERATIONS
from weighbridge.core.lineage import Lineage, LineageNode, LineageStep, Standing
from weighbridge.record.style import PLAIN, Style

_CHARS: Final = 200
_BRANCH, _LAST, _BAR, _BLANK = "├─ ", "└─ ", "│  ", "   "
_WIDEST: Final = MAX_DRAWN_GENERATIONS * 2 * len(_BLANK)
"""A generation has a line for the build and one for its inputs, each further to the right."""


def lineage_text(lineage: Lineage, *, style: Style = PLAIN) -> str:
    """
    Return *lineage* as a tree; untrusted text in it is escaped.

    What was shown once is not shown again: a lineage can have more ways than anybody could read.
    """
    lines = list(_node_lines(lineage, 0, style, told=set()))
    if any(node.standing is Standing.CLAIMED for node in lineage.nodes):
        lines += ["", "Nobody verified these claims: anybody may have written them."]
        lines += ["With --policy they are held against its signers and rules."]
    return "\n".join(lines) + "\n"


def _node_lines(lineage: Lineage, number: int, style: Style, *, told: set[int]) -> Iterator[str]:
    """Yield the lines of a node and of what is behind it, the first without a branch."""
    # Each entry: how the line begins, how those below it begin, and what it is about.
    pending: list[tuple[str, str, int | LineageStep | str]] = [("", "", number)]
    while pending:
        first, rest, item = pending.pop()
        if isinstance(item, str):
            yield first + item
            continue
        if isinstance(item, LineageStep):
            below: list[int | LineageStep | str] = [*_problems(item.problems, style)]
            below += [
                style.paint("... more than this tool looks at", style.bad) if each is None else each
                for each in item.inputs
            ]
            yield first + _step_line(item, style)
        else:
            node = lineage.nodes[item]
            if item in told and node.steps:
                yield f"{first}{_node_line(node, style)}  (shown above)"
                continue
            told.add(item)
            yield first + _node_line(node, style)
            below = [*_problems(node.problems, style), *node.steps]
            if len(rest) >= _WIDEST and node.steps:
                below = ["... more generations: the lineage as JSON has them"]
        pending += [
            (rest + (_LAST if last else _BRANCH), rest + (_BLANK if last else _BAR), each)
            for last, each in ((n == len(below) - 1, b) for n, b in _backwards(below))
        ]


def _backwards(
    below: list[int | LineageStep | str],
) -> Iterator[tuple[int, int | LineageStep | str]]:
    return reversed(list(enumerate(below)))


def _node_line(node: LineageNode, style: Style) -> str:
    parts = [
        f"{style.paint(_cut(node.artifact.name), style.strong)} {node.artifact.binding.label}",
        _standing(node.standing, style),
    ]
    if node.signers:
        parts.append(f"signed by {', '.join(_cut(name) for name in node.signers)}")
    if node.receipt is not None:
        parts.append(f"receipt {_cut(node.receipt)}")
    if node.rule is not None:
        parts.append(style.paint(_cut(node.rule), style.faint))
    return "  ".join(parts)


def _step_line(step: LineageStep, style: Style) -> str:
    by = "" if step.trust is None else f", signed by {_cut(step.trust)}"
    source = "" if step.build.source is None else f" from {_cut(step.build.source.label)}"
    return (
        f"by {_cut(step.build.builder_id)}{by}: {_cut(step.build.build_type)}{source}  "
        f"{_standing(step.standing, style)}  {style.paint(_cut(step.place), style.faint)}"
    )


def _problems(problems: tuple[str, ...], style: Style) -> Iterator[str]:
    for problem in problems:
        yield style.paint(one_line(problem), style.bad)


def _standing(standing: Standing, style: Style) -> str:
    colour = {
        Standing.HOLDS: style.good,
        Standing.BROKEN: style.bad,
        Standing.CLAIMED: style.unclear,
    }[standing]
    return style.paint(str(standing), colour)


def _cut(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _CHARS else f"{line[: _CHARS - 1]}…"
