"""Rule `hdf5-external-storage`."""

from support.hdf5 import examined_file
from support.rule_vectors import assert_vector_holds, findings_of

RULE = "hdf5-external-storage"


def test_vector() -> None:
    """Elements in another file are found, those in the file are not."""
    assert_vector_holds(RULE)


def test_each_file_once() -> None:
    """External files and those of virtual datasets are found, the file itself is not."""
    for name in ("earliest", "latest"):
        found = findings_of(RULE, examined_file(name))
        assert sorted(f.evidence[0] for f in found) == [
            "/outside <- a.bin (4 bytes at 1)",
            "/outside <- b.bin (4 bytes at 0)",
            "/virtual <- third.h5:/x",
        ]
