"""Rule `pickle-trailing-data`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-trailing-data"


def test_vector() -> None:
    """Bytes behind the stream are found, a stream that ends the file is not."""
    assert_vector_holds(RULE)
