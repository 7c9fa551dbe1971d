"""Rule `pickle-patched-reference`."""

from support.rule_vectors import assert_vector_holds

RULE = "pickle-patched-reference"


def test_vector() -> None:
    """A change of a class is found, the state of a new object is not."""
    assert_vector_holds(RULE)
