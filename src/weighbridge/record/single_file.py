"""
A single file's own name in place of `.`, the path that it has within its artifact.

JSON keeps `.`, which is what the signature says. People and code viewers get the name.
"""

from dataclasses import replace
from typing import Final

from weighbridge.core.artifact import ArtifactKind, Inventory
from weighbridge.core.evidence import Gap
from weighbridge.core.verdict import Verdict
from weighbridge.scan.report import ScanReport

_SELF: Final = "."


def name_in_inventory(inventory: Inventory) -> Inventory:
    """Return *inventory* with a single file under its name."""
    if inventory.kind is not ArtifactKind.FILE:
        return inventory
    name = inventory.name
    return replace(
        inventory,
        entries=tuple(replace(entry, path=name) for entry in inventory.entries),
        gaps=tuple(_name_gap(gap, name) for gap in inventory.gaps),
    )


def name_in_report(report: ScanReport) -> ScanReport:
    """Return *report* with a single file under its name."""
    inventory = report.inventory
    if inventory.kind is not ArtifactKind.FILE:
        return report
    return replace(
        report,
        inventory=name_in_inventory(inventory),
        evidence=tuple(replace(item, path=inventory.name) for item in report.evidence),
        consulted=tuple(
            replace(
                answer,
                alone=tuple(inventory.name for _ in answer.alone),
                silent=tuple(inventory.name for _ in answer.silent),
            )
            for answer in report.consulted
        ),
        needs=None
        if report.needs is None
        else tuple(replace(need, path=inventory.name) for need in report.needs),
    )


def name_in_verdict(verdict: Verdict) -> Verdict:
    """Return *verdict* with a single file under its name, where the verdict has that."""
    if verdict.artifact is None:
        return verdict
    name = verdict.artifact.name
    return replace(
        verdict,
        reasons=tuple(
            replace(reason, path=name) if reason.path == _SELF else reason
            for reason in verdict.reasons
        ),
    )


def _name_gap(gap: Gap, name: str) -> Gap:
    return replace(gap, path=name) if gap.path == _SELF else gap
