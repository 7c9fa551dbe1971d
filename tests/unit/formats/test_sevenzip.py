"""The 7z reader: what the reference packs, and headers that do not add up."""

import zlib
from pathlib import Path

import pytest

from support.seven_zips import build, names, number
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.sevenzip import (
    SevenZipArchive,
    archive,
    content,
    open_folder,
    read_archive,
)
from weighbridge.formats.sevenzip.numbers import HeaderBytes
from weighbridge.formats.sevenzip.values import Coder

FOLDER = Path(__file__).parents[2] / "vectors" / "containers"
READ = (
    "arm-lzma2", "bzip2", "copy", "deflate", "delta-lzma2", "lzma", "lzma2", "x86-lzma",
    "x86-lzma2", "zstd",
)  # fmt: skip
MEMBERS = {
    "folder/a.txt": b"some text\n" * 40,
    "folder/b.pkl": b"\x80\x02]q\x00(K\x01NX\x04\x00\x00\x00textq\x01e.",
    "code.bin": bytes([0xE8, 1, 2, 3, 0]) * 99 + b"\xeb\xff\xff\xeb",
    "empty": b"",
}


def _nothing(_: int = 0) -> None:
    """Spend nothing, and let no time pass."""


def _read(data: bytes) -> SevenZipArchive:
    """Return what the reader makes of *data*."""
    return read_archive(BytesSource(data), check_time=_nothing)


def _contents(data: bytes) -> dict[str, bytes]:
    """Return the content of each member of *data*."""
    found = {}
    read = _read(data)
    for member in read.members:
        folder = read.folders[member.folder]
        unpacked = open_folder(BytesSource(data), folder, spend=_nothing, check_time=_nothing)
        found[member.name] = unpacked.content.read_at(member.offset, member.size)
    return found


PACK = b"\x06\x00\x01\x09\x03\x00"
"""One packed stream of three bytes, at the start."""

UNPACK = b"\x07\x0b\x01\x00\x01\x01\x00\x0c\x03\x00"
"""One folder that is copied, of three bytes."""


def simple(
    *, pack: bytes = PACK, unpack: bytes = UNPACK, sub: bytes = b"", files: bytes | None = None
) -> bytes:
    """Return an archive of one member of three bytes, or with other parts of the header."""
    files = b"\x05\x01" + names("a") + b"\x00" if files is None else files
    return build(b"\x01\x04" + pack + unpack + sub + b"\x00" + files + b"\x00", b"abc")


def kinds(data: bytes) -> list[str]:
    """Return the kinds of the anomalies of *data*."""
    return [anomaly.kind for anomaly in _read(data).anomalies]


@pytest.mark.parametrize("name", READ)
def test_reads_what_the_reference_packs(name: str) -> None:
    """Members have their names and their content, and nothing is odd."""
    data = (FOLDER / f"{name}.7z").read_bytes()
    assert _contents(data) == MEMBERS
    assert kinds(data) == []
    assert _read(data).end == len(data)


@pytest.mark.parametrize(("name", "found"), [("ppmd", "PPMd"), ("encrypted", "encryption")])
def test_other_methods_are_named(name: str, found: str) -> None:
    """A method that is not read is an error that names it."""
    with pytest.raises(MalformedContentError, match=found):
        _contents((FOLDER / f"{name}.7z").read_bytes())


def test_an_encrypted_header() -> None:
    """An archive whose names nobody can read is an error."""
    with pytest.raises(MalformedContentError, match="encryption"):
        _read((FOLDER / "encrypted-header.7z").read_bytes())


def test_the_builder_of_these_tests_is_benign() -> None:
    """An archive of one copied member has nothing odd."""
    assert _contents(simple()) == {"a": b"abc"}
    assert kinds(simple()) == []
    assert kinds(build(b"")) == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (simple() + b"x", "trailing-data"),
        (build(b"\x01\x00", b"abc"), "gap"),
        (simple(pack=b"\x06\x01\x01\x09\x03\x00"), "overlap"),
        (simple(files=b"\x05\x01" + names("../a") + b"\x00"), "unsafe-name"),
        (simple(files=b"\x05\x02" + names("a", "b") + b"\x00"), "name-without-content"),
        (simple(files=b""), "content-without-name"),
        (simple(sub=b"\x08\x0d\x00\x00"), "content-without-name"),
        (simple(sub=b"\x08\x0d\x02\x09\x01\x00", files=b"\x05\x02" + names("a", "a") + b"\x00"), "duplicate-name"),
        (simple(sub=b"\x08\x0d\x02\x09\x01\x00", files=b"\x05\x02" + names("a", "A") + b"\x00"), "case-collision"),
        (simple(files=b"\x05\x01" + names("a") + b"\x15\x06\x01\x00\x00\x80\xff\xa1\x00"), "link"),
        (simple(files=b"\x05\x01" + names("a") + b"\x15\x06\x01\x00\x00\x80\x00\x20\x00"), "device"),
        (simple(files=b"\x05\x02" + names("a", "b") + b"\x0e\x01\x40\x10\x01\x80\x00"), "anti-item"),
        (build(b"\x01\x00\x00"), "gap"),
        (simple().replace(b"7z\xbc\xaf\x27\x1c\x00\x04", b"7z\xbc\xaf\x27\x1c\x00\x04")[:8] + b"\0\0\0\0" + simple()[12:], "checksum"),
    ],
)  # fmt: skip
def test_oddities(data: bytes, kind: str) -> None:
    """What ordinary writers do not write is reported."""
    assert kind in kinds(data)


def test_attributes_of_ordinary_files() -> None:
    """Files and folders of either system have nothing odd."""
    for attributes in (b"\x20\x80\xa4\x81", b"\x10\x80\xed\x41", b"\x20\x00\x00\x00"):
        files = b"\x05\x01" + names("a") + b"\x15\x06\x01\x00" + attributes + b"\x00"
        assert kinds(simple(files=files)) == []
    without = b"\x05\x01" + names("a") + b"\x15\x03\x00\x00\x00\x00"
    assert kinds(simple(files=without)) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"7z\xbc\xaf\x27\x1c" + bytes(20),
        build(b"\x02"),
        build(b"\x01\x09"),
        build(b"\x01\x03"),
        build(b"\x01"),
        build(b"\x17\x00"),
        simple()[:-1],
        simple(pack=b"\x06\x00\x01\x00"),
        simple(pack=b"\x06\x00\x01\x0f\x00"),
        simple(pack=b"\x06\x00\x02\x09\x01\x02\x00"),
        simple(unpack=b"\x07\x0c"),
        simple(unpack=b"\x07\x0b\x01\x01"),
        simple(unpack=b"\x07\x0b\x01\x00\x00\x0c\x00"),
        simple(unpack=b"\x07\x0b\x01\x00\x01\xc1\x00\x0c\x03\x00"),
        simple(unpack=b"\x07\x0b\x01\x00\x01\x11\x00\x01\x02\x0c\x03\x00"),
        simple(unpack=b"\x07\x0b\x01\x00\x02\x01\x00\x01\x00\x00\x00\x0c\x03\x03\x00"),
        simple(unpack=b"\x07\x0b\x01\x00\x03\x01\x00\x01\x00\x01\x00\x01\x00\x00\x01\x0c\x03\x03\x03\x00"),
        simple(unpack=b"\x07\x0b\x01\x00\x01\x01\x00\x0c\x03\x0b\x00"),
        simple(sub=b"\x08\x0d\x02\x00"),
        simple(sub=b"\x08\x0d\x02\x09\x09\x00"),
        simple(sub=b"\x08\x0b\x00"),
        simple(sub=b"\x09"),
        simple(files=b"\x05\x02" + names("a") + b"\x00"),
        simple(files=b"\x05\x01\x11\x02\x00a\x00"),
        simple(files=b"\x05\x01\x11\x03\x01\x00\x00\x00"),
        simple(files=b"\x05\x01\x00"),
    ],
)  # fmt: skip
def test_refuses_broken_headers(data: bytes) -> None:
    """A header that does not follow the form is malformed."""
    with pytest.raises(MalformedContentError):
        _read(data)


def test_digests_are_skipped() -> None:
    """Checksums of packed streams, folders and contents are taken, whoever has one."""
    crc = b"\x0a\x01" + bytes(4)
    some = b"\x0a\x00\x40" + bytes(4)
    data = simple(
        pack=PACK[:-1] + crc + b"\x00",
        unpack=UNPACK[:-1] + crc + b"\x00",
        sub=b"\x08\x0d\x02\x09\x01" + some + b"\x00",
        files=b"\x05\x02" + names("a", "b") + b"\x19\x01\x00\x00",
    )
    assert _contents(data) == {"a": b"a", "b": b"bc"}
    lone = simple(unpack=UNPACK[:-1] + crc + b"\x00", sub=b"\x08\x0a\x01\x00")
    assert _contents(lone) == {"a": b"abc"}


def test_properties_of_the_archive_are_skipped() -> None:
    """Archive properties mean nothing to readers."""
    assert kinds(build(b"\x01\x02\x07\x02ab\x00\x00")) == []


def test_streams_that_are_joined() -> None:
    """A method that joins several streams is not unpacked, and says so."""
    unpack = b"\x07\x0b\x01\x00\x01\x14\x03\x03\x01\x1b\x02\x01\x00\x01\x0c\x03\x00"
    data = simple(pack=b"\x06\x00\x02\x09\x01\x02\x00", unpack=unpack)
    with pytest.raises(MalformedContentError, match="joins"):
        _contents(data)


def _unpacked(coder: bytes, *, packed: bytes = b"abc", size: int = 3) -> content.FolderContent:
    """Return what comes out of *packed* by *coder*."""
    unpack = b"\x07\x0b\x01\x00\x01" + coder + b"\x0c" + number(size) + b"\x00"
    pack = b"\x06\x00\x01\x09" + number(len(packed)) + b"\x00"
    files = b"\x05\x01" + names("a") + b"\x00"
    data = build(b"\x01\x04" + pack + unpack + b"\x00" + files + b"\x00", packed)
    (folder,) = _read(data).folders
    return open_folder(BytesSource(data), folder, spend=_nothing, check_time=_nothing)


@pytest.mark.parametrize(
    "coder",
    [
        b"\x01\x21",
        b"\x21\x21\x01\xff",
        b"\x23\x03\x01\x01\x01\x00",
        b"\x23\x03\x01\x01\x05\xff\x00\x00\x10\x00",
        b"\x23\x03\x01\x01\x05\x53\x00\x00\x10\x00",
        b"\x21\x03\x00",
        b"\x21\x04\x01\x00",
        b"\x01\x7f",
    ],
)
def test_refuses_broken_properties(coder: bytes) -> None:
    """Methods that are set to what they cannot be are malformed."""
    with pytest.raises(MalformedContentError):
        _unpacked(coder)


def test_content_that_breaks_is_there_up_to_the_break() -> None:
    """What comes out before a stream breaks or ends is content, and the break is told."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"x" * 90) + packer.flush()
    deflate = b"\x03\x04\x01\x08"
    cut = _unpacked(deflate, packed=packed[:-2], size=100)
    assert isinstance(cut.problem, MalformedContentError)
    short = _unpacked(deflate, packed=packed, size=100)
    assert short.content.read_at(0, 100) == b"x" * 90
    assert isinstance(short.problem, MalformedContentError)
    junk = _unpacked(deflate, packed=b"\xff\xff\xff", size=9)
    assert isinstance(junk.problem, MalformedContentError)


def test_large_dictionaries() -> None:
    """A dictionary is as large as the content at most, whatever the archive says."""
    assert _unpacked(b"\x21\x21\x01\x28", packed=b"\x01\x00\x02abc\x00").content.size == 3
    coder = Coder(method=b"\x21", properties=b"\x28", size=1 << 40)
    with pytest.raises(LimitExceededError):
        content._decoder_of(coder)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Content, headers and counts are bounded."""
    monkeypatch.setattr(content, "MAX_MEMBER_BYTES", 2)
    found = _unpacked(b"\x21\x21\x01\x00", packed=b"\x01\x00\x02abc\x00")
    assert isinstance(found.problem, LimitExceededError)
    assert found.content.size == 2
    found = _unpacked(b"\x01\x04")
    assert isinstance(found.problem, LimitExceededError)
    with pytest.raises(LimitExceededError):
        _read(build(b"\x01\x05\xf0\xff\xff\xff\xff"))
    packed_header = b"\x17" + PACK + b"\x07\x0b\x01\x00\x01\x01\x00\x0c\xf0\xff\xff\xff\x7f\x00\x00"
    with pytest.raises(LimitExceededError):
        _read(build(packed_header, b"abc"))
    monkeypatch.setattr(archive, "MAX_SEVEN_ZIP_HEADER_BYTES", 8)
    with pytest.raises(LimitExceededError):
        _read(simple())


def test_packed_headers() -> None:
    """A header may be packed; one that is packed again and again is not followed."""
    inner = b"\x01\x04" + PACK + UNPACK + b"\x00" + b"\x05\x01" + names("a") + b"\x00\x00"

    def pack(position: int, size: int) -> bytes:
        return (
            b"\x17\x06" + number(position) + b"\x01\x09" + number(size) + b"\x00"
            b"\x07\x0b\x01\x00\x01\x01\x00\x0c" + number(size) + b"\x00\x00"
        )

    data = build(pack(3, len(inner)), b"abc" + inner)
    assert _contents(data) == {"a": b"abc"}
    assert kinds(data) == []
    # A packed header that unpacks to itself.
    loop = pack(0, len(pack(0, 20)))
    with pytest.raises(MalformedContentError, match="again"):
        _read(build(loop, loop))
    two = b"\x17\x06\x00\x02\x09\x01\x01\x00\x07\x0b\x02\x00\x01\x01\x00\x01\x01\x00\x0c\x01\x01\x00\x00"
    with pytest.raises(MalformedContentError):
        _read(build(two, b"ab"))
    broken = b"\x17" + PACK + b"\x07\x0b\x01\x00\x01\x03\x04\x01\x08\x0c\x09\x00\x00"
    with pytest.raises(MalformedContentError):
        _read(build(broken, b"\xff\xff\xff"))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x7f", 127),
        (b"\x80\x80", 128),
        (b"\xc1\x02\x03", 0x10302),
        (b"\xff" + b"\x01" * 8, 0x0101010101010101),
        (b"\xfe" + b"\x01" * 7, 0x01010101010101),
    ],
)
def test_numbers(data: bytes, value: int) -> None:
    """A number has as many further bytes as its first one has leading ones."""
    assert HeaderBytes(data).number() == value
