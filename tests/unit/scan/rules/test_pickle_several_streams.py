"""Rule `pickle-several-streams`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-several-streams"


def test_vector() -> None:
    """A second stream is found, a single one is not."""
    assert_vector_holds(RULE)
