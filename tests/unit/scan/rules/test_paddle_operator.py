"""Rule `paddle-operator`: programs of PaddlePaddle in both forms."""

import json
from pathlib import Path

import pytest

from support.protobuf import field, message
from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Severity
from weighbridge.formats.paddle_program import EFFECTS
from weighbridge.formats.sniff import sniff

RULE = "paddle-operator"
FOLDER = Path(__file__).parents[3] / "vectors" / "paddle"


def test_vector() -> None:
    """A program that writes a file is found, one that computes is not."""
    assert_vector_holds(RULE)


def program(*operators: bytes) -> bytes:
    """Return a program with one block."""
    return field(1, message((1, 0), (2, -1), *((4, each) for each in operators)))


def found(data: bytes, file_format: F = F.PADDLE_PROGRAM) -> list[Finding]:
    """Return what is found in *data*."""
    return [e for e in examined(data, format=file_format, path="m") if isinstance(e, Finding)]


@pytest.mark.parametrize(
    ("name", "file_format"), [("layer.pdmodel", F.PADDLE_PROGRAM), ("layer.json", F.JSON)]
)
def test_real_programs(name: str, file_format: F) -> None:
    """What PaddlePaddle wrote is told and clean, before 3.0 and after."""
    data = FOLDER.joinpath(name).read_bytes()
    assert sniff(BytesSource(data), name="model").format is file_format
    assert examined(data, format=file_format, path=name) == ()


def test_a_real_program_that_writes() -> None:
    """What an operator of PaddlePaddle itself would write is in the evidence."""
    (finding,) = found(FOLDER.joinpath("writes.pdmodel").read_bytes())
    assert finding.severity is Severity.CRITICAL
    assert "file_path = 'written/by/the/model'" in finding.evidence


@pytest.mark.parametrize("name", [*EFFECTS, "matmul_v2"])
def test_operators(name: str) -> None:
    """Each operator that reaches out is found, in whichever place its type stands."""
    expected = {RULE} if name in EFFECTS else set()
    attribute = field(4, message((1, "file_path"), (2, 2), (5, "x")))
    for data in (field(3, name) + attribute, attribute + field(3, name)):
        assert {e.rule for e in found(program(field(3, "relu"), data))} == expected


def test_an_operator_with_two_types() -> None:
    """An operator that has several types is found by any of them."""
    assert found(program(field(3, "relu") + field(3, "save")))
    assert found(program(field(3, "save") + field(3, "relu")))


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("1.load_combine", Severity.HIGH),
        ("1.save_combine", Severity.CRITICAL),
        ("2.py_func", Severity.CRITICAL),
        ("1.save_", Severity.CRITICAL),
        ("1.matmul", None),
    ],
)
def test_programs_in_json(kind: str, severity: Severity | None) -> None:
    """The form of PaddlePaddle 3 says the same in JSON, and other JSON says nothing."""
    attributes = [{"N": "file_path", "AT": {"#": "0.a_str", "D": "x"}}]
    body = {"regions": [{"blocks": [{"ops": [{"#": kind, "A": attributes}]}]}]}
    for magic, expected in (("pir", [severity] if severity else []), ("other", [])):
        document = {"base_code": {"magic": magic}, "program": body}
        each = found(json.dumps(document).encode(), F.JSON)
        assert [e.severity for e in each] == expected
        assert all(e.evidence == ("file_path = 'x'",) for e in each)


def test_gaps() -> None:
    """A program that is cut is a gap, beside what was found before."""
    data = program(field(3, "save")) + b"\x0a\x7f"
    expected = {RULE, str(Code.SCAN_MALFORMED)}
    assert rules_of(examined(data, format=F.PADDLE_PROGRAM)) == expected
