"""Rule `torch-duplicate-pickle`."""

from support.rule_vectors import assert_vector_holds

RULE = "torch-duplicate-pickle"


def test_vector() -> None:
    """Two members that torch takes for its pickle are found, one is not."""
    assert_vector_holds(RULE)
