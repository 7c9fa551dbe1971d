"""Rule `coreml-external-file`."""

import pytest

from support.protobuf import field, message
from support.rule_vectors import assert_vector_holds, findings_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Severity
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject

RULE = "coreml-external-file"


def test_vector() -> None:
    """Weights outside of the directory are found, weights where they belong are not."""
    assert_vector_holds(RULE)


def program(path: str, position: int) -> bytes:
    """Return a program with one constant that lies in a file."""
    value = field(5, message((1, path), (2, position)))
    operation = message((1, "const"), (5, message((1, "val"), (2, value))))
    block = field(3, operation)
    function = field(3, message((1, "CoreML5"), (2, block)))
    return field(1, 6) + field(502, field(2, message((1, "main"), (2, function))))


@pytest.mark.parametrize(
    ("path", "position", "severity"),
    [
        ("@model_path/weights/weight.bin", 64, None),
        ("@model_path/weights/weight.bin", 128, Severity.HIGH),
        ("@model_path/weights/other.bin", 64, Severity.MEDIUM),
        ("@model_path/../weight.bin", 64, Severity.HIGH),
        ("/weights/weight.bin", 64, Severity.HIGH),
    ],
)
def test_files(path: str, position: int, severity: Severity | None) -> None:
    """Weights lie within the model's directory, in a file that is there, before its end."""
    data = program(path, position)
    subject = Subject(
        path="m/model.mlmodel",
        format=FileFormat.COREML,
        source=BytesSource(data),
        sizes={"m/weights/weight.bin": 128},
    )
    found = [f.severity for f in findings_of(RULE, examine(subject))]
    assert found == ([severity] if severity else [])


def test_search_path_of_a_linked_model() -> None:
    """A linked model that is looked for outside of the directory is found."""
    linked = field(556, field(1, field(1, field(1, "m")) + field(2, field(1, "../.."))))
    subject = Subject(
        path="m.mlmodel", format=FileFormat.COREML, source=BytesSource(field(1, 4) + linked)
    )
    assert findings_of(RULE, examine(subject))
