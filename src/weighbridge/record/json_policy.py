"""JSON, version 1, of what a policy would do; see `json_v1` for the promises."""

from typing import Final

from weighbridge.policy.rehearsal import CaseResult
from weighbridge.policy.selection import RuleSelection
from weighbridge.record.json_v1 import Document, verdict_document

EXPLANATION: Final = "weighbridge.explanation/v1"
CASES: Final = "weighbridge.policy-test/v1"


def explanation_document(selection: RuleSelection) -> Document:
    """Return the document of `policy explain`."""
    rule = selection.rule
    return {
        "schema": EXPLANATION,
        "boundary": selection.boundary,
        "names": list(selection.names),
        "rule": None
        if rule is None
        else {
            "index": rule.index,
            "label": rule.label,
            "line": rule.line,
            "pattern": selection.pattern,
            "name": selection.name,
        },
        "considered": [
            {"index": item.index, "label": item.label, "line": item.line, "reason": item.reason}
            for item in selection.considered
        ],
    }


def cases_document(results: tuple[CaseResult, ...]) -> Document:
    """Return the document of `policy test`."""
    return {
        "schema": CASES,
        "passed": all(result.passed for result in results),
        "cases": [
            {
                "name": result.case.name,
                "line": result.case.line,
                "expect": str(result.case.expect),
                "passed": result.passed,
                "problems": list(result.problems),
                # Of made-up evidence: without a schema nobody takes it for a real verdict.
                "verdict": _without_schema(verdict_document(result.verdict)),
            }
            for result in results
        ],
    }


def _without_schema(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "schema"}
