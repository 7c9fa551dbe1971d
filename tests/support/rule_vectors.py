"""Reads the vectors of rules: for each rule an artifact that it finds, and a twin that it does not."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from support.scanning import FakeClock, MemoryContents, entry_of, inventory_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.scan.examination import examine
from weighbridge.scan.runner import scan_inventory

FOLDER: Final = Path(__file__).parents[1] / "vectors" / "rules"


@dataclass(frozen=True, kw_only=True)
class VectorFile:
    """One file of a vector, with the format that its bytes have."""

    path: str
    format: FileFormat
    suffix_format: FileFormat | None
    data: bytes


@dataclass(frozen=True, kw_only=True)
class RuleVector:
    """An artifact that the rule finds, how grave it is, and the benign twin."""

    rule: str
    description: str
    severity: Severity
    bad: tuple[VectorFile, ...]
    twin: tuple[VectorFile, ...]


def read_rule_vector(rule: str) -> RuleVector:
    """Return the vector of the rule *rule*."""
    document = json.loads((FOLDER / f"{rule}.json").read_text("utf-8"))
    assert document["rule"] == rule
    return RuleVector(
        rule=rule,
        description=document["description"],
        severity=Severity(document["finding"]["severity"]),
        bad=tuple(_file(each) for each in document["finding"]["files"]),
        twin=tuple(_file(each) for each in document["twin"]["files"]),
    )


def _file(document: dict[str, Any]) -> VectorFile:
    promised = document.get("suffix_format")
    return VectorFile(
        path=document["path"],
        format=FileFormat(document["format"]),
        suffix_format=FileFormat(promised) if promised else None,
        data=document["text"].encode() if "text" in document else bytes.fromhex(document["hex"]),
    )


def scan_files(files: tuple[VectorFile, ...]) -> tuple[Finding | Gap, ...]:
    """Return the findings and gaps of an artifact of *files*."""
    report = scan_inventory(
        inventory_of(
            *(
                entry_of(
                    each.path,
                    size=len(each.data),
                    format=each.format,
                    suffix_format=each.suffix_format,
                )
                for each in files
            )
        ),
        MemoryContents({each.path: each.data for each in files}),
        clock=FakeClock(),
        examiner=examine,
    )
    return (*report.findings, *report.gaps)


def findings_of(rule: str, evidence: tuple[Finding | Gap, ...]) -> list[Finding]:
    """Return what the rule *rule* found."""
    return [e for e in evidence if isinstance(e, Finding) and e.rule == rule]


def assert_vector_holds(rule: str) -> None:
    """Assert that the rule finds its vector as gravely as the vector says, and not the twin."""
    vector = read_rule_vector(rule)
    found = findings_of(rule, scan_files(vector.bad))
    assert [f.severity for f in found][:1] == [vector.severity], found
    assert all(f.message and f.path == vector.bad[0].path for f in found)
    assert not findings_of(rule, scan_files(vector.twin))
