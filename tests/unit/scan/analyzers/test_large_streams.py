"""Large streams that can only be decoded forwards are examined to their end, while there is time."""

import bz2
import lzma
from collections.abc import Callable
from dataclasses import replace

import lz4.frame
import pytest
from backports import zstd

from support import pickles as p
from support.scanning import FakeClock, rules_of, subject_of
from support.tars import tar_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.formats.streams import content as stream_content
from weighbridge.formats.streams import forward
from weighbridge.scan.analyzers import compressed
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Deadline, Subject

WAYS: dict[F, Callable[[bytes], bytes]] = {
    F.BZIP2: bz2.compress,
    F.LZ4: lz4.frame.compress,
    F.XZ: lzma.compress,
    F.ZSTD: zstd.compress,
}
FOUND = "pickle-dangerous-global"


@pytest.fixture(autouse=True)
def _hold_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take content beyond four kibibytes for large."""
    for module in (stream_content, compressed):
        monkeypatch.setattr(module, "MAX_MEMBER_BYTES", 1 << 12)


def archive(file_format: F, last: bytes) -> Subject:
    """Return a compressed archive with *last* behind what is held of it."""
    data = tar_of({"a.txt": b"text\n" * 4000, "b.pkl": last})
    return subject_of(WAYS[file_format](data), format=file_format, path="m.tar.x")


@pytest.mark.parametrize("file_format", WAYS)
def test_to_the_end(file_format: F) -> None:
    """A member behind what is held is found guilty, or clean."""
    assert rules_of(examine(archive(file_format, p.stream(p.system())))) == {FOUND}
    assert examine(archive(file_format, p.stream(p.NONE))) == ()


@pytest.mark.parametrize("file_format", WAYS)
def test_what_is_too_slow(file_format: F, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where half of the time does not do for one pass, the start is examined; the rest is a gap."""
    monkeypatch.setattr(forward, "MIB", 64)
    subject = archive(file_format, p.stream(p.system()))
    for seconds, found in ((200.0, {"archive-anomaly", "scan-limit"}), (20_000.0, {FOUND})):
        deadline = Deadline(clock=FakeClock(step=1.0), at=seconds)
        assert rules_of(examine(replace(subject, deadline=deadline))) == found


@pytest.mark.parametrize("file_format", WAYS)
def test_a_broken_end(file_format: F) -> None:
    """What comes before a stream breaks is examined, and the break is a gap."""
    subject = archive(file_format, p.stream(p.system()))
    cut = subject_of(
        WAYS[file_format](tar_of({"a.txt": b"text\n" * 4000, "b.pkl": p.stream(p.system())}))
        + WAYS[file_format](bytes(range(256)) * 99)[:-9],
        format=file_format,
    )
    assert rules_of(examine(subject)) == {FOUND}
    assert {FOUND, "scan-malformed"} <= rules_of(examine(cut))


def test_frames_before_the_first_stream() -> None:
    """Behind frames that readers skip, no more than the start is examined."""
    inner = tar_of({"a.txt": b"text\n" * 4000, "b.pkl": p.stream(p.NONE)})
    data = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstd.compress(inner)
    found = rules_of(examine(subject_of(data, format=F.ZSTD, path="m.tar.zst")))
    assert found <= {"scan-limit", "scan-malformed", "archive-anomaly", "compressed-trailing-data"}
