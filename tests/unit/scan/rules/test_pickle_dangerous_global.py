"""Rule `pickle-dangerous-global`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-dangerous-global"


def test_vector() -> None:
    """A call that is known to be harmful is found, a listed one is not."""
    assert_vector_holds(RULE)
