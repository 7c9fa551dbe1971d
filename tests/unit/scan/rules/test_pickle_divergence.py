"""Rule `pickle-divergence`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-divergence"


def test_vector() -> None:
    """A number that unpicklers read differently is found, a plain one is not."""
    assert_vector_holds(RULE)
