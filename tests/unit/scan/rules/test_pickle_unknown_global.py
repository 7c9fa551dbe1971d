"""Rule `pickle-unknown-global`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-unknown-global"


def test_vector() -> None:
    """A call of an unlisted name is found, a listed one is not."""
    assert_vector_holds(RULE)
