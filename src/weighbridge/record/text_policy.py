"""Which rule decides, and how the cases came out, for people."""

from collections.abc import Sequence

from weighbridge.policy.rehearsal import CaseResult
from weighbridge.policy.selection import RuleSelection
from weighbridge.record.style import PLAIN, Style, one_line


def selection_text(selection: RuleSelection, *, style: Style = PLAIN) -> str:
    """Return which rule decides at the boundary, and why each earlier one does not."""
    names = " or ".join(one_line(name) for name in selection.names) or "a reference without a name"
    lines = [f"{names}, at the boundary {one_line(selection.boundary)}:"]
    lines += [
        f"  line {considered.line}: {one_line(considered.label)}: "
        f"{style.paint('no', style.faint)}, it {one_line(considered.reason)}"
        for considered in selection.considered
    ]
    rule = selection.rule
    if rule is None:
        lines.append(f"{style.paint('DENY', style.bad)}  no rule matches")
    else:
        decides = style.paint("decides", style.good)
        lines.append(
            f"  line {rule.line}: {one_line(rule.label)}: {decides}, "
            f"{one_line(selection.pattern or '')} matches {one_line(selection.name or '')}"
        )
    return "\n".join(lines) + "\n"


def cases_text(results: Sequence[CaseResult], *, style: Style = PLAIN) -> str:
    """Return a line for each case, and what went otherwise."""
    lines: list[str] = []
    for result in results:
        word = style.paint("ok", style.good) if result.passed else style.paint("FAIL", style.bad)
        lines.append(f"{word:<4}  {one_line(result.case.name)}")
        lines += [
            f"      line {result.case.line}: {one_line(problem)}" for problem in result.problems
        ]
    failed = sum(not result.passed for result in results)
    lines.append(f"{len(results) - failed} passed, {failed} failed")
    return "\n".join(lines) + "\n"
