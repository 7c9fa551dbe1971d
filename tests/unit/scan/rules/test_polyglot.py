"""Rule `polyglot`."""

import io
import zipfile

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "polyglot"
PNG = b"\x89PNG\r\n\x1a\n"


def test_vector() -> None:
    """An archive behind a picture is found, bytes that only look like one are not."""
    assert_vector_holds(RULE)


def _archive(*, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("model/notes.txt"), b"x")
        archive.comment = comment
    return buffer.getvalue()


def _names(data: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except zipfile.BadZipFile:
        return []


def _found(data: bytes, file_format: FileFormat = FileFormat.IMAGE) -> list[Finding]:
    return findings_of(RULE, examined(data, format=file_format))


def test_what_zipfile_opens_is_found() -> None:
    """Whatever Python's own reader opens behind a picture is found."""
    tails = (b"", b"trailing", b"PK\x05\x06", b"PK\x05\x06" + bytes(30))
    opened = [
        data
        for data in (PNG + _archive(comment=b"c" * 1000) + tail for tail in tails)
        if _names(data)
    ]
    assert opened
    assert all(_found(data) for data in opened)


def test_other_reading_is_examined() -> None:
    """The other reading of the bytes is examined as well, or is a gap."""
    assert rules_of(examined(PNG + _archive(), format=FileFormat.IMAGE)) > {RULE}
    assert examined(PNG + b"x", format=FileFormat.IMAGE) == ()


def test_picture_that_is_a_pickle() -> None:
    """A picture whose bytes run as a pickle is told as the pickle, and found to be both."""
    data = b"GIF89a" + b"abc" + b"cos\nsystem\n(S'touch marker'\ntR."
    (finding,) = _found(data, FileFormat.PICKLE)
    assert finding.severity is Severity.MEDIUM


def test_zip_within_a_pickle_is_left_to_its_analyzer() -> None:
    """A checkpoint at the end of a pickle is not called a second reading."""
    assert not _found(
        b"\x80\x04B" + len(_archive()).to_bytes(4, "little") + _archive() + b".", FileFormat.PICKLE
    )
