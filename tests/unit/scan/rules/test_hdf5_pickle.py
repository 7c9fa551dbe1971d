"""Rule `hdf5-pickle`."""

import pickle

from support.hdf5 import FOLDER, examined_file
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "hdf5-pickle"
_HARMLESS = pickle.dumps({"a": [1, 2]}, protocol=2)


def test_vector() -> None:
    """A pickle in an attribute is found, a sentence is not."""
    assert_vector_holds(RULE)


def test_datasets() -> None:
    """Pickles in sequences, strings, opaque values and bytes are found, filtered ones as well."""
    (finding,) = findings_of(RULE, examined_file("sequences"))
    shown = set(finding.evidence[0].split(", "))
    assert shown == {"/rows", "/zipped", "/checked", "/opaque", "/string", "/bytes", "/parts"}
    assert finding.severity is Severity.LOW


def test_what_they_do() -> None:
    """What a pickle in a dataset or an attribute would run is found by the rules for pickles."""
    harmful = b"\x80\x02cos\nsystem\n."
    for name in ("sequences", "latest"):
        data = (FOLDER / f"{name}.h5").read_bytes()
        assert _HARMLESS in data
        changed = data.replace(_HARMLESS, harmful.ljust(len(_HARMLESS), b"."))
        evidence = examined(changed, format=FileFormat.HDF5)
        assert "pickle-dangerous-global" in rules_of(evidence)


def test_unread() -> None:
    """Pickles that PyTables reads and this reader does not are a finding and a gap."""
    data = (FOLDER / "pytables.h5").read_bytes()
    at = data.index(b"deflate") - 8
    changed = data[:at] + (32001).to_bytes(2, "little") + data[at + 2 :]
    evidence = examined(changed, format=FileFormat.HDF5)
    assert Severity.MEDIUM in {f.severity for f in findings_of(RULE, evidence)}
    assert "scan-malformed" in rules_of(evidence)


def test_broken_pickles() -> None:
    """A binary pickle that breaks off after its payload is examined as well."""
    data = (FOLDER / "pytables.h5").read_bytes()
    for name in ("pytables", "sequences"):
        data = (FOLDER / f"{name}.h5").read_bytes()
        changed = data.replace(_HARMLESS, b"\x80\x02cos\nsystem\n".ljust(len(_HARMLESS), b"\xff"))
        evidence = examined(changed, format=FileFormat.HDF5)
        assert "pickle-dangerous-global" in rules_of(evidence)


def test_numbers_are_no_pickle() -> None:
    """Bytes that do not start as a pickle does are not found."""
    data = (FOLDER / "sequences.h5").read_bytes()
    changed = data.replace(_HARMLESS, b"\x7f" + _HARMLESS[1:])
    (finding,) = findings_of(RULE, examined(changed, format=FileFormat.HDF5, path="x.h5"))
    assert set(finding.evidence[0].split(", ")) == {"/zipped", "/checked", "/parts"} - {"/zipped"}
