"""Archives that readers do not see alike are reported."""

import io
import zipfile

import pytest

from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _archive(*names: str) -> bytes:
    """Return an archive with a text under each name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "some text of this member\n")
    return buffer.getvalue()


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about an archive."""
    evidence = examined(data, format=FileFormat.ZIP)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "zip-anomaly"]


BAD = {
    "case-collision": _archive("data.pkl", "DATA.PKL"),
    "unsafe-name": _archive("../data.txt"),
    "local-name": _archive("name.txt").replace(b"name.txt", b"mane.txt", 1),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_second_view_is_reported(data: bytes) -> None:
    """The archive that another reader sees is a high finding."""
    assert Severity.HIGH in {found.severity for found in _found(data)}


def test_leading_bytes_are_medium() -> None:
    """Bytes in front of the archive are a medium finding."""
    assert {found.severity for found in _found(b"lead" + _archive("a.txt"))} == {Severity.MEDIUM}


def test_a_plain_archive_is_not_reported() -> None:
    """What zipfile writes has no anomaly."""
    assert not _found(_archive("a.txt", "b.txt"))
