"""Rule `appended-archive`."""

import io
import zipfile

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "appended-archive"


def test_vector() -> None:
    """An archive behind a note is found, bytes that only look like one are not."""
    assert_vector_holds(RULE)


def _archive(*, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("data.pkl"), b"x")
        archive.comment = comment
    return buffer.getvalue()


def _found(data: bytes, file_format: FileFormat = FileFormat.IMAGE) -> list[Finding]:
    return findings_of(RULE, examined(data, format=file_format))


def test_what_zipfile_opens_is_found() -> None:
    """Whatever Python's own reader opens behind a picture is found."""
    for tail in (b"", b"trailing", b"PK\x05\x06", b"PK\x05\x06" + bytes(30)):
        data = b"\x89PNG" + _archive(comment=b"c" * 1000) + tail
        if zipfile.is_zipfile(io.BytesIO(data)):
            assert _found(data), tail


def test_zip64() -> None:
    """An end record behind a zip64 locator is found whatever its numbers say."""
    locator = b"PK\x06\x07" + bytes(16)
    assert _found(b"\x89PNG" + locator + b"PK\x05\x06" + b"\xff" * 16 + bytes(2))


def test_offset() -> None:
    """The finding says where the end record is."""
    data = b"\x89PNG" + _archive()
    assert _found(data)[0].offset == data.index(b"PK\x05\x06")


def test_code_is_left_to_its_analyzer() -> None:
    """Formats whose analyzers account for appended bytes are left to them."""
    assert not _found(b"\x80" + _archive(), FileFormat.PICKLE)
