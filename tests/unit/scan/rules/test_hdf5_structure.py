"""Rule `hdf5-structure`."""

import pytest

from support.hdf5 import FOLDER
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap

RULE = "hdf5-structure"
_LATEST = (FOLDER / "latest.h5").read_bytes()
_EARLIEST = (FOLDER / "earliest.h5").read_bytes()


def _examined(data: bytes) -> tuple[Finding | Gap, ...]:
    return examined(data, format=FileFormat.HDF5, path="model.h5")


def _changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def test_vector() -> None:
    """A header of another signature is found, a right one is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize("magic", [b"OHDR", b"FRHP", b"BTHD", b"BTLF"])
def test_checksums(magic: bytes) -> None:
    """A structure whose checksum is wrong is found, and what it says is examined all the same."""
    at = _LATEST.index(magic) + len(magic)
    evidence = _examined(_changed(_LATEST, _checked_byte(at, magic), b"\x77"))
    assert findings_of(RULE, evidence)
    assert "hdf5-external-link" in rules_of(evidence)


def _checked_byte(at: int, magic: bytes) -> int:
    """Return the place of a byte that nothing but the checksum depends on: a time, a count."""
    return at + {b"OHDR": 4, b"FRHP": 60, b"BTHD": 10, b"BTLF": 4}[magic]


def test_cut_file() -> None:
    """A file that is shorter than it says is found."""
    found = findings_of(RULE, _examined(_LATEST[:-1]))
    assert any("ends at byte" in f.evidence[0] for f in found)


def test_other_base() -> None:
    """A superblock that says it were elsewhere is found."""
    found = findings_of(RULE, _examined(_changed(_EARLIEST, 24, b"\x08")))
    assert any("says 8" in f.evidence[0] for f in found)


def test_driver() -> None:
    """A file that is one of several is found."""
    found = findings_of(RULE, _examined(_changed(_EARLIEST, 48, bytes(8))))
    assert any("driver" in f.evidence[0] for f in found)


def test_cached_group() -> None:
    """A superblock that repeats another B-tree than the root group has is found, a true one not."""
    data = (FOLDER / "sequences.h5").read_bytes()
    at = 80
    other = (int.from_bytes(data[at : at + 8], "little") + 8).to_bytes(8, "little")
    found = findings_of(RULE, _examined(_changed(data, at, other)))
    assert any("another B-tree" in f.evidence[0] for f in found)
    assert not findings_of(RULE, _examined(data))
