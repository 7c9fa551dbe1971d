"""A verdict for people: the decision first, then why, then what next."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import one_line
from weighbridge.core.evidence import ProvenanceEvidence, Uncovered
from weighbridge.core.lineage import Lineage, Standing
from weighbridge.core.verdict import Decision, Reason, Verdict
from weighbridge.policy.controls.signature import NO_SIGNATURE_REQUIRED
from weighbridge.record.style import PLAIN, Style, counted, shown

_HEADINGS: Final = (
    (Decision.DENY, "Against it"),
    (Decision.INDETERMINATE, "Nobody can tell"),
    (Decision.ALLOW, "Noted"),
)


def verdict_text(verdict: Verdict, *, style: Style = PLAIN) -> str:
    """Return *verdict* for people; untrusted text in it is escaped."""
    return "\n".join(_verdict_lines(verdict, style)) + "\n"


def _verdict_lines(verdict: Verdict, style: Style) -> Iterator[str]:
    colour = {
        Decision.ALLOW: style.good,
        Decision.DENY: style.bad,
        Decision.INDETERMINATE: style.unclear,
    }[verdict.decision]
    name = one_line(verdict.artifact.name) if verdict.artifact else "the artifact"
    decision = style.paint(verdict.decision.upper(), colour)
    yield f"{decision}  {name} at {one_line(verdict.boundary)}"
    path = one_line(verdict.policy.path or "made in memory")
    yield from _row("policy", f"{path}, {one_line(verdict.policy.rule or 'no rule matches')}")
    for signer in verdict.signers:
        label = one_line(signer.identity.label)
        yield from _row("signed by", f"{one_line(signer.trust or '')} ({label})")
    if not verdict.signers:
        asked = any(item.reason != NO_SIGNATURE_REQUIRED for item in verdict.uncovered)
        nobody = "nobody whom the rule accepts" if asked else "not asked for"
        yield from _row("signed by", nobody)
    for build in verdict.provenance:
        yield from _build_lines(build)
    if verdict.lineage is not None:
        yield from _lineage_lines(verdict.lineage)
    if verdict.artifact:
        yield from _row("root digest", str(verdict.artifact.oms))
        if verdict.artifact.names is not None:
            yield from _row("names digest", str(verdict.artifact.names))
    yield from _row("files", _coverage(verdict.covered, verdict.uncovered))
    if verdict.decision is Decision.ALLOW:
        yield from _uncovered_lines(verdict.uncovered)
    for group, heading in _HEADINGS:
        reasons = [r for r in verdict.reasons if r.decision is group and r.code != Code.ALLOWED]
        if reasons:
            yield ""
            yield style.paint(heading, style.strong)
            yield from shown((_reason_line(r, style) for r in reasons), noun="reasons")
    yield from _next_step(verdict)


def _row(label: str, value: str) -> Iterator[str]:
    yield f"  {label:<13}{value}"


def _build_lines(build: ProvenanceEvidence) -> Iterator[str]:
    """Yield who built it, as far as the policy believes that, and from which source."""
    who = one_line(build.builder_id)
    believed = f"{one_line(build.builder)} ({who})" if build.builder else who
    level = f", SLSA level {build.level}" if build.level else ""
    yield from _row("built by", believed + level)
    if build.source is not None:
        yield from _row("", f"from {one_line(build.source)}")


def _lineage_lines(lineage: Lineage) -> Iterator[str]:
    """Yield what it was made from, as far as it holds."""
    parents = [
        node
        for step in lineage.first.steps
        if step.standing is Standing.HOLDS
        for node in (lineage.nodes[number] for number in step.inputs if number is not None)
    ]
    names = dict.fromkeys(
        f"{node.artifact.name} ({node.artifact.binding.label})" for node in parents
    )
    for place, name in enumerate(shown(names, noun="inputs")):
        yield from _row("" if place else "made from", one_line(name))
    if len(lineage.nodes) > 1:
        behind = max(node.generation for node in lineage.nodes)
        standing = "holds" if lineage.first.standing is Standing.HOLDS else "does not hold"
        what = f"{counted(len(lineage.nodes) - 1, 'artifact')} in {counted(behind, 'generation')}"
        yield from _row("lineage", f"{what}, {standing}")


def _reason_line(reason: Reason, style: Style) -> str:
    severity = reason.severity or ""
    path = f"{one_line(reason.path)}: " if reason.path is not None else ""
    code = style.paint(f"[{one_line(reason.code)}]", style.faint)
    return f"  {severity:<9}{path}{one_line(reason.message)} {code}"


def _coverage(covered: tuple[str, ...], uncovered: tuple[Uncovered, ...]) -> str:
    if not covered and not uncovered:
        return "none known"
    return f"{len(covered)} covered by the signature, {len(uncovered)} not"


def _uncovered_lines(uncovered: Iterable[Uncovered]) -> Iterator[str]:
    """Yield how many files lie outside for each reason."""
    for reason, count in sorted(Counter(item.reason for item in uncovered).items()):
        yield from _row("", f"{counted(count, 'file')} outside: {one_line(reason)}")


def _next_step(verdict: Verdict) -> Iterator[str]:
    blocking = [reason for reason in verdict.reasons if reason.blocking]
    if blocking:
        yield ""
        yield f"Next: weighbridge explain {one_line(blocking[0].code)}"
