"""Rule `archive-anomaly`."""

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from support.tars import member
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "archive-anomaly"


def test_vector() -> None:
    """A name that leads out of the archive is found, one that does not is not."""
    assert_vector_holds(RULE)


def test_a_missing_end_is_low() -> None:
    """What changes nothing of what is read is a low finding."""
    (finding,) = findings_of(RULE, examined(member(b"a", b"text\n"), format=FileFormat.TAR))
    assert finding.severity is Severity.LOW
