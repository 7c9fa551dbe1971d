"""Rule `pickle-persistent-id`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-persistent-id"


def test_vector() -> None:
    """A persistent id in a plain pickle is found, the same string is not."""
    assert_vector_holds(RULE)
