"""
Cases kept beside a policy: what it has to decide, tested by `weighbridge policy test`.

A case assumes an artifact and what the stages would say of it; only the evaluation runs, so
that a case needs no model, no key and no time.
"""

from datetime import date
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Confidence, Finding, Gap, Severity, Stage
from weighbridge.core.limits.policy import MAX_POLICY_RULES
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Decision
from weighbridge.policy.assumed import (
    AssumedBuild,
    AssumedSignature,
    read_build,
    read_signature,
)
from weighbridge.policy.table import Table, quote, read_document

CASES_VERSION: Final = 1
"""The version of the cases' schema."""

CASES_NAME: Final = "weighbridge.test.toml"
"""What the file with the cases is called, beside the policy."""


@frozen
class PolicyCase:
    """
    What is assumed, and what has to come out.

    Attributes:
        name: For people; unique.
        line: Line of the file on which the case starts.
        reference: What would be checked.
        boundary: Where.
        files: The artifact's files with their formats; each is clean by the scan unless a
            finding or gap is about it.
        findings: What the scanner would find.
        gaps: What a stage could not examine.
        signers: Names of trust entries that signed.
        builds: Builds of the artifact, and of what it is made from.
        signed: Signatures of what it is made from.
        uncovered: Files outside each of the signatures.
        day: The day of the check, UTC; None for the day of the test.
        expect: The decision that has to come out.
        codes: Codes that have to be among the reasons.
    """

    name: str
    line: int
    reference: str
    boundary: str
    files: tuple[tuple[str, FileFormat], ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    signers: tuple[str, ...]
    uncovered: tuple[str, ...]
    day: date | None
    expect: Decision
    codes: tuple[str, ...]
    builds: tuple[AssumedBuild, ...] = ()
    signed: tuple[AssumedSignature, ...] = ()


def parse_cases(data: bytes, *, path: str) -> tuple[PolicyCase, ...]:
    """
    Parse a file of cases; there is at least one.

    Raises:
        PolicyError: The file is not valid; the message names every problem's line.
    """
    root, problems = read_document(data, file=path)
    root.integer("version", default=None, least=CASES_VERSION, most=CASES_VERSION)
    tables = root.tables("case", noun="case")
    if not root.has("case"):
        root.problem("no case: nothing would be tested; add a [[case]]")
    if len(tables) > MAX_POLICY_RULES:
        root.problem(f"more than {MAX_POLICY_RULES} cases", key="case")
    cases = [_read_case(table) for table in tables[:MAX_POLICY_RULES]]
    root.finish()
    names: set[str] = set()
    for case, table in zip(cases, tables, strict=False):
        if case is not None and case.name in names:
            table.problem(f"another case is called {quote(case.name)}", key="name")
        if case is not None:
            names.add(case.name)
    problems.raise_if_any()
    return tuple(case for case in cases if case is not None)


def _read_case(table: Table) -> PolicyCase | None:
    name = table.text("name")
    reference = table.text("reference")
    boundary = table.text("boundary")
    expect = table.choice("expect", Decision, default=None)
    files = _read_files(table)
    findings = tuple(
        _read_finding(item) for item in table.tables("findings", noun=f"{table.name}: finding")
    )
    gaps = tuple(_read_gap(item) for item in table.tables("gaps", noun=f"{table.name}: gap"))
    signers = table.texts("signers", required=False)
    builds = tuple(read_build(item) for item in table.tables("builds", noun=f"{table.name}: build"))
    signed = tuple(
        read_signature(item) for item in table.tables("signed", noun=f"{table.name}: signature")
    )
    uncovered = table.texts("uncovered", required=False)
    for index, path in enumerate(uncovered):
        if path not in dict(files):
            table.problem(f"'uncovered': {quote(path)} is not a file", key="uncovered", index=index)
    day = table.day("day", required=False)
    codes = table.texts("codes", required=False)
    table.finish()
    if name is None or reference is None or boundary is None or expect is None:
        return None
    return PolicyCase(
        name=name,
        line=table.line,
        reference=reference,
        boundary=boundary,
        files=files,
        findings=tuple(f for f in findings if f is not None),
        gaps=tuple(g for g in gaps if g is not None),
        signers=signers,
        uncovered=uncovered,
        day=day,
        expect=expect,
        codes=codes,
        builds=tuple(build for build in builds if build is not None),
        signed=tuple(signature for signature in signed if signature is not None),
    )


def _read_files(case: Table) -> tuple[tuple[str, FileFormat], ...]:
    table = case.table("files", required=True)
    if table is None:
        return ()
    read = [(path, table.choice(path, FileFormat, default=None)) for path in table.keys]
    return tuple((path, kind) for path, kind in sorted(read) if kind is not None)


def _read_finding(table: Table) -> Finding | None:
    rule = table.text("rule")
    path = table.text("path")
    severity = table.choice("severity", Severity, default=None)
    table.finish()
    if rule is None or path is None or severity is None:
        return None
    return Finding(
        rule=rule,
        severity=severity,
        confidence=Confidence.HIGH,
        path=path,
        message="assumed by the case",
    )


def _read_gap(table: Table) -> Gap | None:
    stage = table.choice("stage", Stage, default=None)
    code = table.choice("code", Code, default=None)
    path = table.text("path", required=False)
    table.finish()
    if stage is None or code is None:
        return None
    return Gap(stage=stage, code=code, path=path, reason="assumed by the case")
