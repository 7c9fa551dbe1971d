"""Print a result in the format that the user asked for; the formats are `record`'s."""

from collections.abc import Sequence
from importlib.metadata import version

from weighbridge.cli.terminal import Session
from weighbridge.core.artifact import ArtifactDigests
from weighbridge.core.evidence import Severity, SignatureEvidence
from weighbridge.core.verdict import Verdict
from weighbridge.pipeline.describe import Inspection
from weighbridge.pipeline.installation import Capability
from weighbridge.policy.rehearsal import CaseResult
from weighbridge.policy.selection import RuleSelection
from weighbridge.record import (
    json_operations,
    json_policy,
    json_v1,
    sarif,
    text,
    text_inspection,
    text_policy,
    text_scan,
)
from weighbridge.record.catalogue import rule_helps
from weighbridge.record.style import COLOUR, PLAIN, Style
from weighbridge.scan.report import ScanReport

Shown = Verdict | SignatureEvidence | Inspection | ArtifactDigests


def show(session: Session, value: Shown) -> None:
    """Print *value*."""
    match session.format:
        case "json":
            session.write(json_v1.render_json(_document(value)))
        case "sarif":
            assert isinstance(value, Verdict)
            session.write(
                json_v1.render_json(
                    sarif.verdict_log(value, version=version("weighbridge"), helps=rule_helps())
                )
            )
        case _:
            session.write(_text(value, _style(session)))


def show_scans(session: Session, reports: Sequence[ScanReport], *, bar: Severity) -> None:
    """Print the reports of one or more scans; several are one JSON document a line."""
    match session.format:
        case "json":
            several = len(reports) > 1
            for report in reports:
                document = json_v1.scan_document(report, bar=bar)
                session.write(json_v1.render_json(document, one_line=several))
        case "sarif":
            session.write(
                json_v1.render_json(
                    sarif.scan_log(reports, version=version("weighbridge"), helps=rule_helps())
                )
            )
        case _:
            style = _style(session)
            session.write(
                "\n".join(text_scan.scan_text(report, bar=bar, style=style) for report in reports)
            )


def show_capabilities(session: Session, capabilities: Sequence[Capability]) -> None:
    """Print what the installation can do."""
    if session.format == "json":
        session.write(json_v1.render_json(json_operations.capabilities_document(capabilities)))
        return
    width = max(len(line.name) for line in capabilities)
    for line in capabilities:
        session.write(f"{'yes' if line.present else 'no ':<4} {line.name:<{width}}  {line.detail}")


def show_selection(session: Session, selection: RuleSelection) -> None:
    """Print which rule decides."""
    if session.format == "json":
        session.write(json_v1.render_json(json_policy.explanation_document(selection)))
        return
    session.write(text_policy.explanation_text(selection, style=_style(session)))


def show_cases(session: Session, results: tuple[CaseResult, ...]) -> None:
    """Print how the cases of a policy came out."""
    if session.format == "json":
        session.write(json_v1.render_json(json_policy.cases_document(results)))
        return
    session.write(text_policy.cases_text(results, style=_style(session)))


def _style(session: Session) -> Style:
    return COLOUR if session.colour else PLAIN


def _document(value: Shown) -> json_v1.Document:
    match value:
        case Verdict():
            return json_v1.verdict_document(value)
        case SignatureEvidence():
            return json_v1.signature_document(value)
        case Inspection():
            return json_v1.inspection_document(value)
        case ArtifactDigests():
            return json_v1.digest_document(value)


def _text(value: Shown, style: Style) -> str:
    match value:
        case Verdict():
            return text.verdict_text(value, style=style)
        case SignatureEvidence():
            return text.signature_text(value, style=style)
        case Inspection():
            return text_inspection.inspection_text(value, style=style)
        case ArtifactDigests():
            return f"oms    {value.oms}\nnames  {value.names}"
