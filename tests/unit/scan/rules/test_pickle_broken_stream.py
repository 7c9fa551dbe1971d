"""Rule `pickle-broken-stream`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-broken-stream"


def test_vector() -> None:
    """A stream that breaks after an import is found, one that ends is not."""
    assert_vector_holds(RULE)
