"""Rule `lfs-pointer`."""

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat

RULE = "lfs-pointer"


def test_vector() -> None:
    """A pointer is found, prose about one is not."""
    assert_vector_holds(RULE)


def test_pointer_that_names_nothing() -> None:
    """A pointer without an object is found all the same."""
    data = b"version https://git-lfs.github.com/spec/v1\n"
    (finding,) = findings_of(RULE, examined(data, format=FileFormat.LFS_POINTER))
    assert finding.evidence == ("no object named, 0 bytes",)
