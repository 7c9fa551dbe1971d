"""JSON documents about policies; frozen like those of `json_v1`."""

from collections.abc import Sequence

from weighbridge.policy.rehearsal import CaseResult
from weighbridge.policy.selection import RuleSelection
from weighbridge.record.json_v1 import Document


def selection_document(selection: RuleSelection) -> Document:
    """Return which rule decides: schema `weighbridge.selection/v1`."""
    rule = selection.rule
    return {
        "schema": "weighbridge.selection/v1",
        "names": list(selection.names),
        "boundary": selection.boundary,
        "rule": None
        if rule is None
        else {
            "index": rule.index,
            "line": rule.line,
            "label": rule.label,
            "pattern": selection.pattern,
            "name": selection.name,
        },
        "considered": [
            {"index": c.index, "line": c.line, "label": c.label, "reason": c.reason}
            for c in selection.considered
        ],
    }


def cases_document(results: Sequence[CaseResult]) -> Document:
    """Return how cases came out: schema `weighbridge.cases/v1`."""
    return {
        "schema": "weighbridge.cases/v1",
        "passed": all(result.passed for result in results),
        "cases": [
            {
                "name": result.case.name,
                "line": result.case.line,
                "expected": result.case.expect.value,
                "decision": result.verdict.decision.value,
                "problems": list(result.problems),
            }
            for result in results
        ],
    }
