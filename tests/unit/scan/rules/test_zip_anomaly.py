"""Rule `zip-anomaly`."""

from support.rule_vectors import assert_vector_holds

RULE = "zip-anomaly"


def test_vector() -> None:
    """Two members of one name are found, two names are not."""
    assert_vector_holds(RULE)
