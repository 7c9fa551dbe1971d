"""Rule `r-code-object`."""

import struct

import pytest

from support.r_data import call, file_of, item, symbol
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "r-code-object"
NIL = item(254)
NUMBER = item(13) + struct.pack(">ii", 1, 7)


def test_vector() -> None:
    """A promise is found (CVE-2024-27322), a list of a number is not."""
    assert_vector_holds(RULE)


def _found(body: bytes, *, path: str = "x.rds") -> list[Finding]:
    return findings_of(RULE, examined(file_of(body), format=FileFormat.R_DATA, path=path))


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        (item(5) + NUMBER + NIL, Severity.HIGH),
        (item(21), Severity.HIGH),
        (item(3) + NIL + NUMBER, Severity.MEDIUM),
        (item(247) + struct.pack(">ii", 0, 1) + item(9) + struct.pack(">i", 0), Severity.MEDIUM),
        (call("mean", NUMBER), Severity.LOW),
        (call("system", NUMBER), Severity.HIGH),
        (item(2) + symbol("system") + item(2) + item(6) + item(255 | 1 << 8) + NIL + NIL,
         Severity.HIGH),
    ],
)  # fmt: skip
def test_kinds(body: bytes, severity: Severity) -> None:
    """Each kind of code is as grave as what it takes for it to run."""
    (finding,) = (f for f in _found(body) if f.severity is severity)
    assert finding.evidence


@pytest.mark.parametrize("body", [NIL, NUMBER, symbol("system"), item(2) + NUMBER + NIL])
def test_data(body: bytes) -> None:
    """Data is passed, and so is a name that nothing calls."""
    assert examined(file_of(body), format=FileFormat.R_DATA) == ()


def test_a_workspace_is_loaded_when_r_starts() -> None:
    """A function in a file that R loads by itself is graver than in another."""
    body = item(3) + NIL + NUMBER
    assert [f.severity for f in _found(body, path=".RData")] == [Severity.HIGH]
    assert [f.severity for f in _found(body, path="x.RData")] == [Severity.MEDIUM]


def test_bytes_behind() -> None:
    """What stands behind the data is not passed; white space is."""
    data = file_of(NUMBER)
    assert rules_of(examined(data + b"x", format=FileFormat.R_DATA)) == {"scan-malformed"}
    assert examined(data + b"\n", format=FileFormat.R_DATA) == ()
