"""Every advisory that is known for loaders and for other scanners is found here."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from support.scanning import inventory_and_contents
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Severity
from weighbridge.formats.sniff import sniff
from weighbridge.scan.examination import examine
from weighbridge.scan.report import ScanReport, ScanVerdict
from weighbridge.scan.runner import scan_inventory

FOLDER: Final = Path(__file__).parents[2] / "vectors" / "advisories"
IDS: Final = sorted(path.stem for path in FOLDER.glob("*.json"))


def _read(identifier: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{identifier}.json").read_text("utf-8"))
    assert document["id"] == identifier
    return document


def _told(path: str, data: bytes) -> tuple[FileFormat, FileFormat | None]:
    sniffed = sniff(BytesSource(data), name=path)
    return sniffed.format, sniffed.suffix_format


def _scan(files: dict[str, str]) -> ScanReport:
    contents = {path: bytes.fromhex(data) for path, data in files.items()}
    inventory, opened = inventory_and_contents(contents, told=_told)
    return scan_inventory(inventory, opened, clock=lambda: 0.0, examiner=examine)


@pytest.mark.parametrize("identifier", IDS)
def test_the_advisory_is_found(identifier: str) -> None:
    """The file of the advisory is denied by the default bar, for a finding and not only for a gap."""
    report = _scan(_read(identifier)["files"])
    graver = [f for f in report.findings if f.severity.rank >= Severity.MEDIUM.rank]
    assert graver, report.gaps


@pytest.mark.parametrize("identifier", [i for i in IDS if _read(i)["twin"] is not None])
def test_the_twin_of_the_advisory_is_not(identifier: str) -> None:
    """The same file without the attack is clean."""
    report = _scan(_read(identifier)["twin"])
    assert report.verdict_at(Severity.MEDIUM) is ScanVerdict.CLEAN, report.evidence


def test_the_advisories_that_matter_are_there() -> None:
    """None of the advisories that this project was asked to cover has lost its vector."""
    wanted = [
        "CVE-2025-10155",
        "CVE-2025-10156",
        "CVE-2025-10157",
        "CVE-2025-1716",
        "CVE-2025-1889",
        "CVE-2025-1944",
        "CVE-2025-1945",
        "CVE-2025-32434",
        "CVE-2026-24747",
        "CVE-2025-1550",
        "CVE-2025-8747",
        "CVE-2025-9905",
        "CVE-2025-9906",
        "CVE-2025-12058",
        "CVE-2025-49655",
        "CVE-2026-1462",
        "CVE-2026-1669",
        "CVE-2022-25882",
        "CVE-2024-27318",
        "CVE-2026-34445",
        "CVE-2024-34359",
        "CVE-2026-5760",
        "CVE-2025-53630",
        "CVE-2026-4372",
        "CVE-2025-23304",
        "CVE-2025-54412",
        "CVE-2025-54413",
        "CVE-2025-54886",
        "GHSA-vvpj-8cmc-gx39",
        "nullifAI",
    ]
    assert not set(wanted) - set(IDS)
    assert sum(identifier.startswith("GHSA-") for identifier in IDS) >= 45
