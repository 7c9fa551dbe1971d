"""Rule `adapter-base-model`."""

from support.rule_vectors import assert_vector_holds

RULE = "adapter-base-model"


def test_vector() -> None:
    """An adapter that names its base model is found, one that names none is not."""
    assert_vector_holds(RULE)
