"""Rule `hdf5-user-block`."""

import pytest

from support.hdf5 import FOLDER
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RULE = "hdf5-user-block"
_FILE = (FOLDER / "user-block.h5").read_bytes()
_MATLAB = b"MATLAB 7.0 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024"


def test_vector() -> None:
    """A script before the file is found, an empty user block is not."""
    assert_vector_holds(RULE)


def test_matlab() -> None:
    """The header that MATLAB writes is not found, but more than it is."""
    header = (_MATLAB.ljust(124) + b"\0\2IM").ljust(1024, b"\0")
    longer = header[:600] + b"x" + header[601:]
    assert not findings_of(RULE, examined(header + _FILE[1024:], format=FileFormat.HDF5))
    assert findings_of(RULE, examined(longer + _FILE[1024:], format=FileFormat.HDF5))


@pytest.mark.parametrize(
    ("data", "rule"),
    [(b"\x7fELF\2\1\1", "native-code"), (b"cos\nsystem\n.", "pickle-dangerous-global")],
)
def test_behind_the_end(data: bytes, rule: str) -> None:
    """What follows the end is found, and examined as what it is."""
    evidence = examined(_FILE + data, format=FileFormat.HDF5)
    assert {RULE, rule} <= rules_of(evidence)


def test_filling() -> None:
    """Zeros and white space behind the end are not found."""
    for filling in (bytes(64), b"\n" * 6):
        assert not findings_of(RULE, examined(_FILE + filling, format=FileFormat.HDF5))
