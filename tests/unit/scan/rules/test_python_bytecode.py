"""Rule `python-bytecode`."""

from support.rule_vectors import assert_vector_holds

RULE = "python-bytecode"


def test_vector() -> None:
    """Bytecode is found, its source is not."""
    assert_vector_holds(RULE)
