"""Rule `pickle-argument`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-argument"


def test_vector() -> None:
    """A listed name with an argument that it is not listed for is found, without one it is not."""
    assert_vector_holds(RULE)
