"""Rule `suffix-lies`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "suffix-lies"


def test_vector() -> None:
    """A pickle named like safetensors is found, an honest name is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("content", "promised", "severity"),
    [
        (FileFormat.ZIP, FileFormat.SAFETENSORS, Severity.HIGH),
        (FileFormat.SHARED_OBJECT, FileFormat.JSON, Severity.HIGH),
        (FileFormat.PICKLE, FileFormat.NPY, Severity.LOW),
        (FileFormat.IMAGE, FileFormat.SAFETENSORS, Severity.LOW),
    ],
)
def test_severity(content: FileFormat, promised: FileFormat, severity: Severity) -> None:
    """The lie is grave when the promise is harmless and the content is not."""
    evidence = examined(b"x", format=content, suffix_format=promised)
    (finding,) = findings_of(RULE, evidence)
    assert finding.severity is severity
