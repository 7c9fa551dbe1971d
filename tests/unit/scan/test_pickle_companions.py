"""Pickles of joblib 0.9 pass with the files that joblib reads along, and with no others."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support import pickles as p
from support.scanning import (
    FakeClock,
    MemoryContents,
    entry_of,
    inventory_and_contents,
    inventory_of,
    rules_of,
    subject_of,
)
from weighbridge.core.artifact import EntryRole, FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.core.evidence import Finding, Gap
from weighbridge.formats.sniff import sniff
from weighbridge.load.judged import judge_pickle
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject
from weighbridge.scan.runner import scan_inventory

VECTORS = Path(__file__).parents[2] / "vectors" / "joblib" / "companions.json"
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in json.loads(VECTORS.read_text("utf-8"))["cases"]
}
MODEL = "model.pkl"
FIRST = "model.pkl_01.npy"


def files_of(case: str) -> dict[str, bytes]:
    """Return the files of *case*."""
    return {path: bytes.fromhex(data) for path, data in CASES[case]["files"].items()}


def told(path: str, data: bytes) -> tuple[FileFormat, FileFormat | None]:
    """Return what the bytes are, and what the name promises."""
    found = sniff(BytesSource(data), name=path)
    return found.format, found.suffix_format


def scanned(files: dict[str, bytes], path: str = MODEL) -> list[Finding | Gap]:
    """Return what the scan of *files* says of the one at *path*."""
    inventory, contents = inventory_and_contents(files, told=told)
    report = scan_inventory(inventory, contents, clock=FakeClock(), examiner=examine)
    return [e for e in report.evidence if isinstance(e, Finding | Gap) and e.path == path]


@pytest.mark.parametrize("case", CASES)
def test_cases(case: str) -> None:
    """A pickle is nothing to report exactly if joblib reads what the scan has examined."""
    found = scanned(files_of(case))
    assert bool(found) is CASES[case]["found"]
    assert not any(isinstance(each, Gap) for each in found)


@pytest.mark.parametrize("case", CASES)
def test_a_pickle_that_is_scanned_alone_is_found(case: str) -> None:
    """Without the files beside it no pickle passes that names one."""
    data = files_of(case)[MODEL]
    assert bool(scanned({MODEL: data})) is (case != "a-wrapper-without-a-state")
    assert bool(scanned({".": data}, ".")) is (case != "a-wrapper-without-a-state")


def test_the_reason_says_what_to_do() -> None:
    """Whoever scans one file is told to scan the directory."""
    (found,) = scanned({MODEL: files_of("numbers-beside-it")[MODEL]})
    assert isinstance(found, Finding)
    assert "scan the directory that holds both" in found.message


def test_in_a_directory() -> None:
    """The file has to be in the pickle's own directory."""
    files = files_of("numbers-beside-it")
    below = {f"a/{path}": data for path, data in files.items()}
    assert scanned(below, f"a/{MODEL}") == []
    assert scanned({f"a/{MODEL}": files[MODEL], FIRST: files[FIRST]}, f"a/{MODEL}")
    assert scanned({MODEL: files[MODEL], f"a/{FIRST}": files[FIRST]})


def test_a_file_that_is_not_scanned_is_none() -> None:
    """A file that is no part of the model, and so is not examined, is not counted as scanned."""
    files = files_of("numbers-beside-it")
    for role in EntryRole:
        entries = [
            entry_of(MODEL, size=len(files[MODEL]), format=FileFormat.JOBLIB),
            entry_of(FIRST, size=len(files[FIRST]), format=FileFormat.NPY, role=role),
        ]
        report = scan_inventory(
            inventory_of(*entries), MemoryContents(files), clock=FakeClock(), examiner=examine
        )
        found = [e for e in report.evidence if isinstance(e, Finding | Gap)]
        assert bool(found) is (role is not EntryRole.MODEL)


def test_workers_are_told_the_formats() -> None:
    """A confined worker knows the files beside a pickle as well."""
    inventory, contents = inventory_and_contents(files_of("numbers-beside-it"), told=told)
    report = scan_inventory(inventory, contents, clock=FakeClock())
    assert not any(isinstance(e, Finding | Gap) for e in report.evidence)


def test_the_objects_beside_it_are_examined() -> None:
    """A payload in the file beside a pickle is found there, and the model does not pass."""
    files = files_of("numbers-beside-it") | {FIRST: evil(p.stream(p.system()))}
    assert scanned(files) == []
    assert "pickle-dangerous-global" in rules_of(tuple(scanned(files, FIRST)))


def evil(pickled: bytes) -> bytes:
    """Return a file of NumPy with *pickled* in the place of its objects."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + pickled


def test_objects_that_are_no_array_are_a_gap() -> None:
    """What unpickles to anything but an array is not what a program takes it for."""
    made = p.call(p.name("collections", "OrderedDict"))
    (gap,) = scanned({FIRST: evil(p.stream(made))}, FIRST)
    assert isinstance(gap, Gap)
    assert "makes something else" in gap.reason


def test_in_an_archive() -> None:
    """A pickle within another file has nothing beside it."""
    data = files_of("numbers-beside-it")[MODEL]
    alone = subject_of(data, format=FileFormat.JOBLIB, path=MODEL)
    beside = replace(alone, formats={FIRST: FileFormat.NPY})
    assert examine(beside) == ()
    inner = Subject(
        path="model.zip", formats=beside.formats, format=FileFormat.ZIP, source=BytesSource(b"")
    ).nested(member=MODEL, format=FileFormat.JOBLIB, source=BytesSource(data))
    assert inner.formats == beside.formats
    assert examine(inner)


def test_a_load_refuses() -> None:
    """Our own loader reads nothing beside a pickle, and refuses one that names a file."""
    data = files_of("numbers-beside-it")[MODEL]
    with pytest.raises(ArtifactRefusedError, match="not one that can be loaded"):
        judge_pickle(BytesSource(data), name=MODEL, where=MODEL)
