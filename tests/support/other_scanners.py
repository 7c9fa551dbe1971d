"""Small programs that behave like other scanners, and reports to ask them about."""

import os
import stat
from pathlib import Path

import pytest

from support.policies import clean, entry_of, finding_of, inventory_of
from weighbridge.core.artifact import FileFormat
from weighbridge.scan.report import ScanReport

_REPOSITORY = Path(__file__).parents[2]


def write_program(place: Path, body: str, *, shell: str = "/bin/sh") -> Path:
    """Write an executable script and return its path."""
    place.write_text(f"#!{shell}\n{body}\n")
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return place


def report_of(*found: str, files: tuple[str, ...] = ("a.pkl", "b.pkl", "dir/c.pkl")) -> ScanReport:
    """Return a report in which the files *found* have a finding and the others are clean."""
    inventory = inventory_of(*(entry_of(path, FileFormat.PICKLE) for path in files))
    others = clean(*(path for path in files if path not in found))
    findings = tuple(finding_of(path) for path in found)
    return ScanReport(inventory=inventory, evidence=(*others, *findings))


def real_scanner(name: str) -> Path:
    """Return the program of another scanner that `make oracles` installs; without it, skip."""
    program = _REPOSITORY / ".oracles" / name / "bin" / name
    if not program.exists():
        message = f"the environment of {name} is absent: run 'make oracles'"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return program
