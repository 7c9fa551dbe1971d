"""What a policy would do, for people: which rule decides and why, and how its cases came out."""

from collections.abc import Iterator

from weighbridge.core.errors import one_line
from weighbridge.policy.rehearsal import CaseResult
from weighbridge.policy.selection import RuleSelection
from weighbridge.record.style import PLAIN, Style, counted, shown


def explanation_text(selection: RuleSelection, *, style: Style = PLAIN) -> str:
    """Return which rule decides and why each earlier one does not."""
    return "\n".join(_explanation(selection, style)) + "\n"


def cases_text(results: tuple[CaseResult, ...], *, style: Style = PLAIN) -> str:
    """Return how the cases of a policy came out, the failed ones with what is wrong."""
    return "\n".join(_cases(results, style)) + "\n"


def _explanation(selection: RuleSelection, style: Style) -> Iterator[str]:
    if selection.rule is None:
        yield f"{style.paint('No rule decides', style.bad)}: denied"
    else:
        label = one_line(selection.rule.label)
        yield f"{style.paint(label, style.good)} decides, line {selection.rule.line}"
        yield f"  {one_line(selection.pattern or '')} matches {one_line(selection.name or '')}"
    yield f"  boundary {one_line(selection.boundary)}"
    names = [one_line(name) for name in selection.names]
    yield f"  names    {', '.join(names) or 'none: the reference has no usable name'}"
    if selection.considered:
        yield ""
        yield style.paint("Looked at before", style.strong)
        lines = (
            f"  {one_line(rule.label)}, line {rule.line}: {one_line(rule.reason)}"
            for rule in selection.considered
        )
        yield from shown(lines, noun="rules")


def _cases(results: tuple[CaseResult, ...], style: Style) -> Iterator[str]:
    for result in results:
        word = style.paint("pass", style.good) if result.passed else style.paint("FAIL", style.bad)
        yield f"{word}  {one_line(result.case.name)}: {result.verdict.decision}"
        yield from (f"      {one_line(problem)}" for problem in result.problems)
        if not result.passed:
            yield from (
                f"      {reason.decision}: {one_line(reason.message)} [{one_line(reason.code)}]"
                for reason in result.verdict.reasons
            )
    failed = sum(not result.passed for result in results)
    yield ""
    yield f"{counted(len(results), 'case')}, {failed} failed"
