"""Rule `safetensors-structure`."""

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RULE = "safetensors-structure"


def test_vector() -> None:
    """A file with a byte too many is found, one without is not."""
    assert_vector_holds(RULE)


def test_accounted_for() -> None:
    """A broken file is a finding and no gap: what is wrong with it is known."""
    evidence = examined(b"\x00" * 9, format=FileFormat.SAFETENSORS)
    assert rules_of(evidence) == {RULE}
