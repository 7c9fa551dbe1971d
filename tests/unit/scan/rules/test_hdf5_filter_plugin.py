"""Rule `hdf5-filter-plugin`."""

import pytest

from support.hdf5 import FOLDER, examined_file
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat

RULE = "hdf5-filter-plugin"


def test_vector() -> None:
    """A filter that nobody knows is found, one that h5py brings along is not."""
    assert_vector_holds(RULE)


def test_own_filters() -> None:
    """The library's own filters are not found."""
    assert not findings_of(RULE, examined_file("earliest"))


@pytest.mark.parametrize(("number", "count"), [(255, 0), (256, 1), (32001, 0), (32002, 1)])
def test_numbers(number: int, count: int) -> None:
    """Plugins begin at 256; those of common readers are known."""
    data = (FOLDER / "sequences.h5").read_bytes()
    at = data.index(b"shuffle") - 8
    assert data[at : at + 2] == b"\2\0"
    changed = data[:at] + number.to_bytes(2, "little") + data[at + 2 :]
    found = findings_of(RULE, examined(changed, format=FileFormat.HDF5))
    assert len(found) == count
