"""Zip archives are read as Python reads them, and differences are never silent."""

import io
import zipfile

from hypothesis import given, settings
from hypothesis import strategies as st

from support.zips import Part, build_zip, descriptor, zip_of
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.zip import (
    ZipAnomalyKind,
    ZipArchive,
    find_crc_anomaly,
    open_member,
    read_archive,
)

_NAMES = st.text("abcdefgh", min_size=1, max_size=6)
_END_SIGNATURE = b"PK\5\6"
_CONTENTS = st.binary(max_size=300).filter(lambda data: _END_SIGNATURE not in data)
"""Content that does not look like the end of an archive, which some readers could take it for."""


@given(members=st.dictionaries(_NAMES, _CONTENTS, max_size=6), deflate=st.booleans())
def test_round_trip(members: dict[str, bytes], *, deflate: bool) -> None:
    """What Python's writer writes is read without an anomaly, byte for byte."""
    source = BytesSource(zip_of(members, deflate=deflate))
    archive = read_archive(source)
    assert archive.anomalies == ()
    contents = {}
    for member in archive.members:
        content = open_member(source, member)
        contents[member.name] = content.read_at(0, content.size)
    assert contents == members


@given(before=_CONTENTS, after=st.binary(max_size=17))
def test_content_whose_end_looks_like_the_archive_s_is_said(before: bytes, after: bytes) -> None:
    """Where an end record could begin in stored content and end outside it, that is reported."""
    source = BytesSource(zip_of({"a": before + _END_SIGNATURE + after}, deflate=False))
    kinds = [anomaly.kind for anomaly in read_archive(source).anomalies]
    assert ZipAnomalyKind.MULTIPLE_END_RECORDS in kinds


def _base() -> bytes:
    """Return an archive with every kind of member that writers write."""
    streamed = Part(name=b"s", data=b"streamed", local={"flags": 8, "crc": 0}, central={"flags": 8})
    streamed.after = descriptor(streamed)
    return build_zip(
        [
            Part(name=b"m/data.pkl", data=b"pickle"),
            Part(name=b"d", data=b"x" * 90, deflate=True),
            streamed,
        ]
    )


_BASE = _base()


def read(data: bytes) -> tuple[ZipArchive, dict[str, bytes]] | None:
    """Return the archive and what can be read of it; None where it is refused."""
    source = BytesSource(data)
    contents = {}
    try:
        archive = read_archive(source)
        for member in archive.members:
            content = open_member(source, member)
            if find_crc_anomaly(content, member) is not None:
                return None
            contents[member.name] = content.read_at(0, content.size)
    except (MalformedContentError, LimitExceededError):
        return None
    return archive, contents


def by_python(data: bytes) -> dict[str, bytes] | None:
    """Return what Python's own reader reads; None where it fails."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001  it fails in many ways on such input
        return None


@settings(max_examples=600)
@given(
    at=st.integers(0, len(_BASE)),
    junk=st.binary(max_size=6),
    cut=st.integers(0, 6),
)
def test_silence_means_agreement(at: int, junk: bytes, cut: int) -> None:
    """A mutant without an anomaly is what Python's reader reads; nothing else is raised."""
    data = _BASE[:at] + junk + _BASE[at + cut :]
    ours = read(data)
    if ours is None or ours[0].anomalies:
        return
    theirs = by_python(data)
    assert theirs is None or theirs == ours[1]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_in_its_own_words(data: bytes) -> None:
    """Arbitrary bytes around an end record give an archive or an error of our own."""
    read(data)
    read(data + _BASE[-22:])
