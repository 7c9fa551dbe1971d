"""Rule `jsonpickle-object`."""

from support.rule_vectors import assert_vector_holds

RULE = "jsonpickle-object"


def test_vector() -> None:
    """A document that calls a function is found, a similar key is not."""
    assert_vector_holds(RULE)
