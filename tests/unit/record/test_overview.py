"""The tree of files has what matters, however many files there are."""

from dataclasses import replace

from support.policies import clean, entry_of, finding_of, gap_of, inventory_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Severity, Stage
from weighbridge.record.overview import place_name, rows_of
from weighbridge.scan.report import FileStatus, ScanReport


def report_of(files: dict[str, FileFormat], *bad: str) -> ScanReport:
    """Return a report in which the files *bad* have a finding."""
    good = [path for path in files if path not in bad]
    findings = tuple(finding_of(path, severity=Severity.CRITICAL) for path in bad)
    return ScanReport(inventory=inventory_of(files=files), evidence=(*clean(*good), *findings))


def test_a_quiet_folder_is_one_row() -> None:
    """A folder in which everything is clean is not opened, however deep it is."""
    files = {f"a/b/c/{n}.json": FileFormat.JSON for n in range(5)}
    (row,) = rows_of(report_of(files)).rows
    assert (row.name, row.files, row.status) == ("a/", 5, FileStatus.CLEAN)


def test_a_folder_with_findings_is_opened() -> None:
    """The way to a file with findings is shown, and each folder on it has its severity."""
    files = {"a/b/x.pkl": FileFormat.PICKLE, "a/c/y.json": FileFormat.JSON}
    rows = rows_of(report_of(files, "a/b/x.pkl")).rows
    assert [(row.name, row.depth) for row in rows] == [
        ("a/", 0),
        ("b/", 1),
        ("x.pkl", 2),
        ("c/", 1),
    ]
    assert [row.worst for row in rows] == [Severity.CRITICAL] * 3 + [None]


def test_the_worst_stay() -> None:
    """Of more files than fit those with findings stay, whatever their names are."""
    files = {f"{n:03}.json": FileFormat.JSON for n in range(100)}
    overview = rows_of(report_of(files, "077.json", "099.json"), limit=3)
    assert [row.name for row in overview.rows] == ["000.json", "077.json", "099.json"]
    assert overview.hidden == 97


def test_what_could_not_be_listed_is_shown() -> None:
    """A file that is only in a gap stands in the tree, and its folder is not clean."""
    inventory = inventory_of(
        entry_of("a/x.json", FileFormat.JSON),
        gaps=(
            gap_of(Code.NAME_NOT_CANONICAL, stage=Stage.INVENTORY, path="a/y\n"),
            gap_of(Code.LIMIT_EXCEEDED, stage=Stage.INVENTORY, path=None),
            gap_of(Code.LIMIT_EXCEEDED, stage=Stage.INVENTORY, path="."),
        ),
    )
    rows = rows_of(ScanReport(inventory=inventory, evidence=clean("a/x.json"))).rows
    assert [(row.name, row.status) for row in rows] == [
        ("a/", FileStatus.GAP),
        ("x.json", FileStatus.CLEAN),
        ("y\n", FileStatus.GAP),
    ]


def test_a_path_that_is_too_deep_is_one_row() -> None:
    """A path with thousands of folders is shown as it is."""
    path = "a/" * 2000 + "b"
    gap = gap_of(Code.LIMIT_EXCEEDED, stage=Stage.INVENTORY, path=path)
    report = ScanReport(inventory=replace(inventory_of(), gaps=(gap,)), evidence=())
    (row,) = rows_of(report).rows
    assert row.name == path


def test_names_of_places() -> None:
    """What is about no file is about the artifact."""
    assert place_name(None) == place_name(".") == "the artifact"
    assert place_name("a") == "a"
