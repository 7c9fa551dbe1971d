"""Rule `pickle-extension-registry`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-extension-registry"


def test_vector() -> None:
    """A reference to the extension registry is found, a number is not."""
    assert_vector_holds(RULE)
