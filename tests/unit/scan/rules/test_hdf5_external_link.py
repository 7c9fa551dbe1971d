"""Rule `hdf5-external-link`."""

from support.hdf5 import examined_file
from support.rule_vectors import assert_vector_holds, findings_of

RULE = "hdf5-external-link"


def test_vector() -> None:
    """A link to another file is found, one within the file is not."""
    assert_vector_holds(RULE)


def test_old_and_new_groups() -> None:
    """The link is found however the file keeps its groups, and only that one."""
    for name in ("earliest", "latest", "ordered", "user-block"):
        (finding,) = findings_of(RULE, examined_file(name))
        assert finding.evidence == ("/elsewhere -> other.h5:/x",)


def test_not_found() -> None:
    """Many soft links are none to other files."""
    assert examined_file("many") == ()
