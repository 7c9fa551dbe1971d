"""Rule `pickle-computed-global`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-computed-global"


def test_vector() -> None:
    """A name that the stream computes is found, a value that it computes is not."""
    assert_vector_holds(RULE)
