"""Rule `hdf5-shape-bomb`."""

from support.hdf5 import examined_file
from support.rule_vectors import assert_vector_holds, findings_of

RULE = "hdf5-shape-bomb"


def test_vector() -> None:
    """Gibibytes in a file of some hundred bytes are found, kibibytes are not."""
    assert_vector_holds(RULE)


def test_not_found() -> None:
    """Ordinary datasets are not found."""
    assert not findings_of(RULE, examined_file("earliest"))
