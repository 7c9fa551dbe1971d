"""Models that the real frameworks made: harmless ones pass, the others are found."""

from pathlib import Path

import pytest

from support.scanning import FakeClock, inventory_and_contents
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.formats.sniff import sniff
from weighbridge.scan.examination import examine
from weighbridge.scan.report import ScanReport
from weighbridge.scan.runner import scan_inventory

FOLDER = Path(__file__).parents[2] / "vectors/graphs"


def scan(name: str) -> ScanReport:
    """Scan a directory of the vectors, or a single file."""
    root = FOLDER / name
    paths = [p for p in root.rglob("*") if p.is_file()] if root.is_dir() else [root]
    start = root if root.is_dir() else root.parent
    files = {p.relative_to(start).as_posix(): p.read_bytes() for p in paths}

    def told(path: str, data: bytes) -> tuple[FileFormat, FileFormat | None]:
        found = sniff(BytesSource(data), name=path)
        return found.format, found.suffix_format

    inventory, contents = inventory_and_contents(files, told=told)
    return scan_inventory(inventory, contents, clock=FakeClock(), examiner=examine)


@pytest.mark.parametrize(
    "name",
    [
        "tables",
        "version-1",
        "keras-dense",
        "computes.tflite",
        "classifier.onnx",
        "external",
        "network.mlmodel",
        "program.mlpackage",
    ],
)
def test_harmless(name: str) -> None:
    """A model that only computes passes, with every file that the framework wrote beside it."""
    report = scan(name)
    assert (report.findings, report.gaps) == ((), ())


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("harmful-write", "tensorflow-operator"),
        ("harmful-read", "tensorflow-operator"),
        ("harmful-print", "tensorflow-operator"),
        ("harmful-save", "tensorflow-operator"),
        ("harmful-python", "tensorflow-operator"),
        ("keras-lambda", "keras-lambda-layer"),
        ("reads.tflite", "tflite-custom-operator"),
        ("custom.mlmodel", "coreml-custom-code"),
    ],
)
def test_harmful(name: str, rule: str) -> None:
    """A model that does more is found by the rule for it and by no other."""
    assert {finding.rule for finding in scan(name).findings} == {rule}


@pytest.mark.parametrize(
    ("left_out", "path"),
    [
        ("variables/variables.index", "variables/variables.data-00000-of-00001"),
        ("model.onnx_data", "model.onnx"),
    ],
)
def test_a_file_that_is_missing(left_out: str, path: str, tmp_path: Path) -> None:
    """A model without one of its files does not pass."""
    root = FOLDER / ("tables" if left_out.startswith("variables") else "external")
    for source in root.rglob("*"):
        target = tmp_path / source.relative_to(root)
        if source.is_file() and source.relative_to(root).as_posix() != left_out:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    report = scan(str(tmp_path))
    paths = {finding.path for finding in report.findings} | {gap.path for gap in report.gaps}
    assert paths == {path}
