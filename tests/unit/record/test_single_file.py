"""A single file goes by its own name where people read it."""

from pathlib import Path

import pytest

import weighbridge as wb
from support.publisher import make_workplace
from weighbridge.record.single_file import name_in_inventory, name_in_report, name_in_verdict


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, with a model directory and a file that is a pickle."""
    make_workplace(tmp_path)
    (tmp_path / "one.bin").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_s_findings_name_it(place: Path) -> None:
    """The dot that stands for the file within its artifact becomes its name."""
    report = wb.scan("one.bin")
    assert {finding.path for finding in report.findings} == {"."}
    named = name_in_report(report)
    assert {finding.path for finding in named.findings} == {"one.bin"}
    assert [entry.path for entry in named.inventory.entries] == ["one.bin"]


def test_a_directory_s_paths_stay(place: Path) -> None:
    """Nothing changes for a directory."""
    report = wb.scan("model")
    assert name_in_report(report) is report
    assert name_in_inventory(report.inventory) is report.inventory


def test_a_verdict_names_the_file(place: Path) -> None:
    """Reasons about the file name it; reasons about the whole artifact stay without a path."""
    policy = Path("weighbridge.toml").read_text().replace('"model"', '"one.bin"')
    Path("weighbridge.toml").write_text(policy)
    verdict = wb.check("one.bin", policy=wb.Policy.from_file("weighbridge.toml"))
    assert "." in {reason.path for reason in verdict.reasons}
    named = {reason.path for reason in name_in_verdict(verdict).reasons}
    assert "." not in named
    assert "one.bin" in named


def test_a_verdict_without_an_artifact_stays(place: Path) -> None:
    """A verdict of a rule that does not exist is about nothing and stays as it is."""
    verdict = wb.check("one.bin", policy=wb.Policy.from_file("weighbridge.toml"))
    assert verdict.artifact is None
    assert name_in_verdict(verdict) is verdict
