"""The tar reader: what Python's writer and GNU's headers hold, and every way to see it otherwise."""

import io
import tarfile

import pytest

from support.tars import END, header, member, padded, pax, tar_of
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.tar import TarAnomalyKind as K
from weighbridge.formats.tar import TarArchive, archive, read_archive
from weighbridge.formats.tar.header import read_number, read_records


def _read(data: bytes) -> TarArchive:
    """Return what the reader makes of *data*."""
    return read_archive(BytesSource(data), check_time=lambda: None)


def _kinds(data: bytes) -> list[K]:
    """Return the kinds of the anomalies of *data*, in order."""
    return [anomaly.kind for anomaly in _read(data).anomalies]


@pytest.mark.parametrize("format_", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_reads_what_python_writes(format_: int) -> None:
    """Members have the names and the content that they were written with, and nothing is odd."""
    members = {"a.txt": b"x" * 700, "dir/é.bin": b"", "long/" + "n" * 90 + "/" + "m" * 60: b"12"}
    data = tar_of(members, format=format_)
    found = _read(data)
    assert not found.anomalies
    assert {m.name: data[m.offset : m.offset + m.size] for m in found.members} == members
    assert found.unread is None


def test_directories_are_no_members() -> None:
    """Directories have no content, in each of the forms in which they are written."""
    data = header(b"a/", kind=b"5") + header(b"b/", kind=b"\0") + header(b"./", kind=b"5") + END
    assert _read(data).members == ()
    assert _kinds(data) == []


def test_a_leading_dot_is_no_part_of_a_name() -> None:
    """Archives of a folder name everything from `./` on."""
    (found,) = _read(member(b"./model.ckpt", b"1") + END).members
    assert found.name == "model.ckpt"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (member(b"a", kind=b"2", link=b"/etc"), K.LINK),
        (member(b"a", kind=b"1", link=b"b"), K.LINK),
        (member(b"a", kind=b"3"), K.DEVICE),
        (member(b"a", kind=b"6"), K.DEVICE),
        (member(b"../a", b"1"), K.UNSAFE_NAME),
        (member(b"/a", b"1"), K.UNSAFE_NAME),
        (member(b"b/./a", b"1"), K.UNSAFE_NAME),
        (member(b"a\\b", b"1"), K.UNSAFE_NAME),
        (member(b"a\xff", b"1"), K.NAME_NOT_UTF8),
        (member(b"a") + member(b"a"), K.DUPLICATE_NAME),
        (member(b"a") + member(b"A"), K.CASE_COLLISION),
        (member(b"a", b"1", magic=b"ustar  \0", prefix=b"p"), K.PREFIX),
        (pax([("path", "b")]) + pax([("path", "c")]) + member(b"a"), K.EXTENDED_HEADER),
        (pax([("path", "b"), ("path", "b")]) + member(b"a"), K.EXTENDED_HEADER),
        (pax([("size", "1")]) + member(b"a", b"12"), K.SIZE_MISMATCH),
        (pax([("path", "b")], kind=b"g") + member(b"a"), K.GLOBAL_OVERRIDE),
        (pax([("path", "b")]), K.EXTENDED_HEADER),
        (member(b"p", b"junk", kind=b"x") + member(b"a"), K.EXTENDED_HEADER),
        (member(b"p", b"9 path=b\n!", kind=b"x") + member(b"a"), K.EXTENDED_HEADER),
        (member(b"p", b"99 path=b\n", kind=b"x") + member(b"a"), K.EXTENDED_HEADER),
        (pax([("GNU.sparse.major", "1")]) + member(b"a", b"1"), K.SPARSE),
        (pax([("SUN.holesdata", " 0 1")]) + member(b"a", b"1"), K.SPARSE),
        (pax([("SCHILY.realsize", "9")]) + member(b"a", b"1"), K.SPARSE),
        (member(b"a", b"1", kind=b"S"), K.SPARSE),
        (member(b"a") + b"x" * 512, K.BROKEN_HEADER),
    ],
)  # fmt: skip
def test_oddities(data: bytes, kind: K) -> None:
    """Each way in which readers may differ is reported, and is the only report."""
    assert set(_kinds(data + END)) - {K.TRAILING_DATA} == {kind}


def test_harmless_extended_headers() -> None:
    """A long name, a size that the plain field leaves out and a time are nothing odd."""
    long = b"n" * 200
    data = member(b"././@LongLink", long + b"\0", kind=b"L", magic=b"ustar  \0")
    data += member(b"n" * 100, b"12", magic=b"ustar  \0")
    data += pax([("size", "3"), ("mtime", "1.5")]) + header(b"b", size=0) + padded(b"123")
    data += pax([("comment", "x")], kind=b"g") + member(b"c", b"4") + END
    found = _read(data)
    assert not found.anomalies
    assert [(m.name, m.size) for m in found.members] == [("n" * 200, 2), ("b", 3), ("c", 1)]


def test_a_link_with_a_size() -> None:
    """A link's size is not skipped, as in tarfile: what follows is read as a header."""
    data = header(b"l", size=512, kind=b"1", link=b"a") + member(b"hidden", b"1") + END
    assert _kinds(data) == [K.LINK, K.SIZE_MISMATCH]
    assert [m.name for m in _read(data).members] == ["hidden"]
    with tarfile.open(fileobj=io.BytesIO(data)) as theirs:
        assert theirs.getnames() == ["l", "hidden"]


@pytest.mark.parametrize("raw", [b"\x80" + bytes(10) + b"\x09", b"   11       ", b"00000000011\0"])
def test_sizes_are_read_as_generously_as_readers_do(raw: bytes) -> None:
    """Octal with spaces, and binary: nine bytes."""
    (found,) = _read(header(b"a", raw_size=raw) + padded(b"123456789") + END).members
    assert found.size == 9


@pytest.mark.parametrize("raw", [b"\xff" * 12, b"77777777777\0"])
def test_a_member_beyond_the_file(raw: bytes) -> None:
    """A size that the file does not have is reported, and what there is remains."""
    data = header(b"a", raw_size=raw) + padded(b"12") + END
    assert K.BROKEN_HEADER in _kinds(data)
    assert _read(data).members[0].size <= len(data)


def test_the_end() -> None:
    """The end is a block of zeros; without it, and with more behind it, that is said."""
    data = member(b"a", b"1")
    assert _kinds(data) == [K.MISSING_END]
    assert _kinds(data + END + bytes(9000)) == []
    found = _read(data + END + b"hidden")
    assert [a.kind for a in found.anomalies] == [K.TRAILING_DATA]
    assert found.unread == len(data + END)


def test_maps_of_old_sparse_members_are_skipped() -> None:
    """The blocks that continue a sparse map are no content."""
    more = bytearray(512)
    more[504] = 1
    data = header(b"a", size=3, kind=b"S", magic=b"ustar  \0", extended=True)
    data += bytes(more) + bytes(512) + padded(b"123") + END
    (found,) = _read(data).members
    assert (data[found.offset : found.offset + 3], found.sparse) == (b"123", True)


@pytest.mark.parametrize("shared", [True, False])
def test_holes_in_every_member(*, shared: bool) -> None:
    """A global header gives holes to all members behind it, a directory between or not."""
    holes = pax(
        [("GNU.sparse.map", "1,2"), ("GNU.sparse.size", "9")], kind=b"g" if shared else b"x"
    )
    data = holes + header(b"d/", kind=b"5")
    data += pax([("mtime", "1")]) + member(b"a", b"12") + member(b"b", b"34") + END
    assert [m.sparse for m in _read(data).members] == [shared, shared]
    with tarfile.open(fileobj=io.BytesIO(data)) as theirs:
        assert (theirs.getmember("a").sparse is not None) is shared


def test_a_map_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The map of a sparse member is bounded."""
    monkeypatch.setattr(archive, "MAX_TAR_HEADER_BYTES", 2048)
    more = bytearray(512)
    more[504] = 1
    data = header(b"a", size=3, kind=b"S", extended=True) + bytes(more) * 8
    with pytest.raises(LimitExceededError):
        _read(data)


@pytest.mark.parametrize("data", [b"x" * 600, bytes(100)])
def test_no_archive(data: bytes) -> None:
    """What has no header at its start is no archive."""
    with pytest.raises(MalformedContentError):
        _read(data)


def test_nothing_but_an_end() -> None:
    """The end of an archive alone is one without members; nothing at all lacks an end."""
    assert _read(END).members == ()
    assert _kinds(b"") == [K.MISSING_END]


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members, extended headers and their chain are bounded."""
    with pytest.raises(LimitExceededError):
        _read(header(b"x", size=1 << 30, kind=b"x") + END)
    with pytest.raises(LimitExceededError):
        _read(pax([("a", "b")]) * 17 + member(b"a"))
    monkeypatch.setattr(archive, "MAX_ARCHIVE_MEMBERS", 2)
    with pytest.raises(LimitExceededError):
        _read(member(b"a") + member(b"b") + member(b"c") + END)


@pytest.mark.parametrize("size", [0, 3])
def test_cut_extended_headers(size: int) -> None:
    """An extended header that the file ends in is reported."""
    data = header(b"x", size=900, kind=b"x") + b"1" * size
    assert K.EXTENDED_HEADER in _kinds(data)
    negative = header(b"x", raw_size=b"\xff" * 12, kind=b"x") + member(b"a", b"1") + END
    assert K.EXTENDED_HEADER in _kinds(negative)


def test_numbers() -> None:
    """Fields that are no numbers are told from those that are."""
    assert read_number(b"12\0") == 10
    assert read_number(b"\0\0\0") == 0
    assert read_number(b"\xff\xfe") == -2
    assert read_number(b"99\0") is None
    assert tuple(read_records(b"")) == ()


def test_a_header_without_a_size() -> None:
    """A header whose size is no number is none."""
    with pytest.raises(MalformedContentError):
        _read(header(b"a", raw_size=b"xxxxxxxxxxxx") + END)
