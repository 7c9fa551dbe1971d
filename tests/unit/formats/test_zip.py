"""Zip archives are read, and whatever two readers would see differently is reported."""

import io
import struct
import zipfile
import zlib

import pytest

from support.zips import Ending, Part, build_zip, descriptor, zip64_records, zip_of
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits import archives as limits
from weighbridge.formats.zip import (
    ZipAnomalyKind as K,
)
from weighbridge.formats.zip import (
    ZipArchive,
    find_crc_anomaly,
    open_member,
    read_archive,
    read_names,
)

A = Part(name=b"m/data.pkl", data=b"first")
B = Part(name=b"m/data/0", data=b"second" * 50)


def read(data: bytes) -> ZipArchive:
    """Read *data*."""
    return read_archive(BytesSource(data))


def kinds(data: bytes) -> set[K]:
    """Return the kinds of anomalies of *data*."""
    return {anomaly.kind for anomaly in read(data).anomalies}


@pytest.mark.parametrize("deflate", [False, True])
def test_reads_what_python_writes(deflate: bool) -> None:
    """An archive of Python's writer has its members, their content, and no anomaly."""
    members = {"a.txt": b"hello" * 1000, "dir/": b"", "dir/é.bin": bytes(100_000), "empty": b""}
    source = BytesSource(zip_of(members, deflate=deflate))
    archive = read_archive(source)
    assert archive.anomalies == ()
    assert [m.name for m in archive.members] == list(members)
    assert read_names(source) == tuple(members)
    for member in archive.members:
        content = open_member(source, member)
        assert content.read_at(0, content.size) == members[member.name]
        assert find_crc_anomaly(content, member) is None
        assert member.directory == member.name.endswith("/")


def test_the_builder_of_these_tests_is_benign() -> None:
    """What the tests below change is unremarkable before they change it."""
    data = build_zip([A, B, Part(name=b"c", data=b"xyz" * 99, deflate=True)])
    assert kinds(data) == set()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None


def test_torch_padding_and_descriptors_are_benign() -> None:
    """The FB padding and the data descriptors of torch's writer raise no anomaly."""
    padding = b"FB" + (40).to_bytes(2, "little") + b"Z" * 40
    flags: dict[str, int | bytes] = {"flags": 0x0808}
    deferred: tuple[dict[str, int | bytes], ...] = ({}, {"crc": 0, "compressed": 0, "size": 0})
    for zeroed in deferred:
        parts = [
            Part(
                name=part.name,
                data=part.data,
                local={**flags, "extra": padding, **zeroed},
                central=flags,
                after=descriptor(part),
            )
            for part in (A, B)
        ]
        assert kinds(build_zip(parts)) == set()


@pytest.mark.parametrize("signature", [True, False])
@pytest.mark.parametrize("width", [4, 8])
def test_takes_every_form_of_data_descriptor(signature: bool, width: int) -> None:
    """A descriptor with or without its signature, of 32 or 64 bits, belongs to its member."""
    part = Part(
        name=b"a",
        data=b"content",
        local={"flags": 8, "crc": 0, "compressed": 0, "size": 0},
        central={"flags": 8},
    )
    part.after = descriptor(part, signature=signature, width=width)
    assert kinds(build_zip([part, B])) == set()
    part.after = part.after[:-1] + b"\xff"
    assert K.DESCRIPTOR_MISMATCH in kinds(build_zip([part, B]))


@pytest.mark.parametrize(
    ("local", "kind"),
    [
        ({"name": b"m/DATA.pkl"}, K.NAME_MISMATCH),
        ({"name": b"m/data.pkl2"}, K.NAME_MISMATCH),
        ({"size": 6}, K.SIZE_MISMATCH),
        ({"compressed": 6}, K.SIZE_MISMATCH),
        ({"size": 0}, K.SIZE_MISMATCH),
        ({"crc": 1}, K.CRC_MISMATCH),
        ({"method": 8}, K.METHOD_MISMATCH),
        ({"flags": 0x800}, K.FLAGS_MISMATCH),
        ({"flags": 1}, K.FLAGS_MISMATCH),
        ({"version": 45}, K.VERSION_MISMATCH),
        ({"size": 0xFFFFFFFF, "extra": struct.pack("<HHQQ", 1, 16, 6, 5)}, K.SIZE_MISMATCH),
    ],
)
def test_reports_local_headers_that_differ(local: dict[str, int | bytes], kind: K) -> None:
    """Each field that a local header shares with the directory is compared."""
    part = Part(name=A.name, data=A.data, local=local)
    archive = read(build_zip([part, B]))
    assert kind in {a.kind for a in archive.anomalies}
    assert all(a.member == "m/data.pkl" for a in archive.anomalies if a.kind is kind)


def test_local_sizes_may_be_in_a_zip64_field() -> None:
    """Sizes that a local header defers to its zip64 field are compared from there."""
    extra = struct.pack("<HHQQ", 1, 16, 5, 5)
    wide: dict[str, int | bytes] = {"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF, "extra": extra}
    assert kinds(build_zip([Part(name=A.name, data=A.data, local=wide)])) == set()
    other: dict[str, int | bytes] = {**wide, "extra": struct.pack("<HHQQ", 1, 16, 5, 6)}
    assert kinds(build_zip([Part(name=A.name, data=A.data, local=other)])) == {K.SIZE_MISMATCH}


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_compression_effort_may_differ(bits: int) -> None:
    """The two flags that say how hard the writer tried are not compared."""
    assert kinds(build_zip([Part(name=b"a", data=b"x", local={"flags": bits})])) == set()


@pytest.mark.parametrize(
    ("central", "kind"),
    [
        ({"flags": 1}, K.ENCRYPTED),
        ({"flags": 0x40}, K.ENCRYPTED),
        ({"flags": 0x2000}, K.ENCRYPTED),
        ({"method": 12}, K.UNSUPPORTED_METHOD),
        ({"size": 6}, K.SIZE_MISMATCH),
        ({"attributes": 0o120777 << 16}, K.LINK),
        ({"offset": 1}, K.LOCAL_HEADER),
        ({"offset": 10_000}, K.LOCAL_HEADER),
        ({"compressed": 10_000, "size": 10_000}, K.LOCAL_HEADER),
    ],
)
def test_reports_odd_entries(central: dict[str, int | bytes], kind: K) -> None:
    """Encryption, foreign methods, links, false sizes and false positions are reported."""
    data = build_zip([Part(name=A.name, data=A.data, central=central), B])
    assert kind in kinds(data)


def test_what_has_no_local_header_cannot_be_opened() -> None:
    """A member without a local header stays listed and refuses to be read."""
    data = build_zip([Part(name=b"a", data=b"x", central={"offset": 3}), B])
    source = BytesSource(data)
    first, second = read_archive(source).members
    assert first.data_offset is None
    with pytest.raises(MalformedContentError):
        open_member(source, first)
    assert open_member(source, second).size == len(B.data)


@pytest.mark.parametrize(
    "name",
    [
        b"../a", b"a/../b", b"/a", b"a\\b", b"C:a", b"c:/a", b"a\0b", b"a\nb", b"a\x7f",
        b"", b"a//b", b"./a", b"a/./b", b"..", b".",
    ],
)  # fmt: skip
def test_reports_unsafe_names(name: bytes) -> None:
    """A name that leaves the archive's directory or has two readings is reported."""
    assert K.UNSAFE_NAME in kinds(build_zip([Part(name=name, data=b"x")]))


@pytest.mark.parametrize(
    "name", [b"a", b"a/b", b"a.b/..c", b".hidden", b"a b", b"CC:a", "é".encode()]
)
def test_ordinary_names_are_unremarkable(name: bytes) -> None:
    """Dots, spaces and letters of any script in a name are nothing to report."""
    assert kinds(build_zip([Part(name=name, data=b"x")])) == set()


def test_reports_a_directory_with_content() -> None:
    """A name that ends in a slash has no content; an empty one is fine."""
    assert K.UNSAFE_NAME in kinds(build_zip([Part(name=b"a/", data=b"x")]))
    assert kinds(build_zip([Part(name=b"a/")])) == set()


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (b"data.pkl", b"data.pkl", K.DUPLICATE_NAME),
        (b"data.pkl", b"DATA.PKL", K.CASE_COLLISION),
        (b"data", b"data/", K.CASE_COLLISION),
        ("\u00e9".encode(), "e\u0301".encode(), K.CASE_COLLISION),
        (b"data.pkl", "\uff44ata.pkl".encode(), K.CASE_COLLISION),
    ],
)
def test_reports_names_that_collide(first: bytes, second: bytes, kind: K) -> None:
    """Equal names, and names that some file system or reader takes for equal, are reported."""
    archive = read(build_zip([Part(name=first), Part(name=second)]))
    assert {a.kind for a in archive.anomalies} == {kind}
    assert len(archive.members) == 2


@pytest.mark.parametrize(("flags", "name"), [(0x800, "a\\xff"), (0, "a\u00a0")])
def test_reports_names_that_are_not_utf8(flags: int, name: str) -> None:
    """Bytes that are not UTF-8 are reported, and the name can be printed and encoded."""
    field = {"flags": flags}
    archive = read(build_zip([Part(name=b"a\xff", local=field, central=field)]))
    assert K.NAME_NOT_UTF8 in {a.kind for a in archive.anomalies}
    assert archive.members[0].name == name
    archive.members[0].name.encode()


def unicode_name(name: bytes, plain: bytes) -> bytes:
    """Return the field in which some writers keep the name in UTF-8."""
    body = b"\x01" + struct.pack("<L", zlib.crc32(plain)) + name
    return struct.pack("<HH", 0x7075, len(body)) + body


def test_reports_another_unicode_name() -> None:
    """A Unicode name field that readers honour and that differs is reported; others are not."""
    for extra, expected in (
        (unicode_name(b"evil.pkl", b"a"), {K.NAME_MISMATCH}),
        (unicode_name(b"a", b"a"), set()),
        (unicode_name(b"evil.pkl", b"b"), set()),
        (struct.pack("<HH", 0x7075, 3) + b"abc", set()),
        (b"\x75", set()),
        (struct.pack("<HH", 0x7075, 300) + b"abc", set()),
    ):
        assert kinds(build_zip([Part(name=b"a", central={"extra": extra})])) == expected


def test_reports_bytes_in_front() -> None:
    """A prefix is reported, whether or not the offsets count it, and the members are read."""
    plain = build_zip([A, B], Ending(prefix=b"\x80\x04."))
    assert kinds(plain) == {K.LEADING_DATA}
    shifted = build_zip([Part(name=A.name, data=A.data, before=b"\x80\x04."), B])
    assert kinds(shifted) == {K.LEADING_DATA}
    for data in (plain, shifted):
        source = BytesSource(data)
        first = read_archive(source).members[0]
        assert open_member(source, first).read_at(0, 100) == A.data


def test_reports_gaps_and_trailing_bytes() -> None:
    """Bytes between members, before the directory, in it, and behind the end are reported."""
    gap = Part(name=B.name, data=B.data, before=b"hidden")
    assert kinds(build_zip([A, gap])) == {K.GAP}
    assert kinds(build_zip([A, B], Ending(between=b"hidden"))) == {K.GAP}
    assert kinds(build_zip([A, B], Ending(directory_tail=b"hidden"))) == {K.GAP}
    assert kinds(build_zip([A, B], Ending(trailing=b"hidden"))) == {K.TRAILING_DATA}
    assert kinds(build_zip([A, B], Ending(comment=b"hello"))) == set()
    assert kinds(build_zip([A, B], Ending(comment=b"hello", comment_length=4))) == {K.TRAILING_DATA}
    assert kinds(build_zip([A, B], Ending(comment=b"hello", comment_length=6))) == {K.TRAILING_DATA}


def test_reports_overlaps() -> None:
    """Two entries that share bytes are reported, as are members that reach into the directory."""
    inner = build_zip([Part(name=b"x", data=b"payload")])
    outer = Part(name=b"outer", data=inner)
    at = 30 + 5
    overlap = Part(name=b"x", data=b"payload", central={"offset": at})
    data = build_zip([outer, overlap])
    assert K.OVERLAP in kinds(data)
    both = build_zip([A, Part(name=A.name, data=A.data, central={"offset": 0})])
    assert {K.OVERLAP, K.DUPLICATE_NAME} <= kinds(both)
    into = Part(name=b"a", data=b"", local={}, central={"compressed": 40, "size": 40})
    assert K.OVERLAP in kinds(build_zip([into]))


def test_reports_other_end_records() -> None:
    """A second end record is reported; that of an archive stored within is not."""
    end = build_zip([])
    assert K.MULTIPLE_END_RECORDS in kinds(build_zip([A], Ending(comment=end)))
    assert K.MULTIPLE_END_RECORDS in kinds(build_zip([A], Ending(between=end)))
    assert K.MULTIPLE_END_RECORDS in kinds(build_zip([A]) + build_zip([B]))
    nested = build_zip([Part(name=b"inner.zip", data=build_zip([A, B]))])
    assert kinds(nested) == set()
    size = len(nested) - nested.index(b"PK\x05\x06") - 22
    reaching = bytearray(nested)
    at = nested.index(b"PK\x05\x06") + 20
    reaching[at : at + 2] = size.to_bytes(2, "little")
    assert K.MULTIPLE_END_RECORDS in kinds(bytes(reaching))


def test_reports_two_directories() -> None:
    """Where the recorded offset and the end record point at two directories, that is reported."""
    first = build_zip([A])
    start = first.index(b"PK\x01\x02")
    data = build_zip([Part(name=b"front", data=first), B], Ending(offset=30 + 5 + start))
    assert K.DIRECTORY_POSITION in kinds(data)
    behind = build_zip([A, B], Ending(behind=b"hidden"))
    assert kinds(behind) == {K.DIRECTORY_POSITION}
    assert kinds(build_zip([A, B], Ending(offset=5_000))) >= {K.DIRECTORY_POSITION}


def test_reports_a_false_count() -> None:
    """More entries than counted are read and reported; fewer are malformed."""
    archive = read(build_zip([A, B], Ending(entries=1)))
    assert {a.kind for a in archive.anomalies} == {K.DIRECTORY_COUNT}
    assert len(archive.members) == 2
    with pytest.raises(MalformedContentError):
        read(build_zip([A, B], Ending(entries=3)))


def zip64(*, entries: int = 2, shift: int = 0, **narrow: int) -> bytes:
    """Return an archive with a zip64 end record; *narrow* are the plain record's fields."""
    plain = build_zip([A, B])
    start = plain.index(b"PK\x01\x02")
    end = plain.index(b"PK\x05\x06")
    records = zip64_records(
        entries=entries, size=end - start, offset=start, at=end, locator=end + shift
    )
    fields = {"entries": 0xFFFF, "total": 0xFFFF, "size": 0xFFFFFFFF, "offset": 0xFFFFFFFF} | narrow
    return build_zip(
        [A, B],
        Ending(
            zip64=records,
            entries=fields["entries"],
            total=fields["total"],
            size=fields["size"],
            offset=fields["offset"],
        ),
    )


def test_reads_zip64_end_records() -> None:
    """The zip64 end record takes the place of the plain one's deferred or equal fields."""
    archive = read(zip64())
    assert archive.anomalies == ()
    assert len(archive.members) == 2
    assert read(zip64(entries=2)).anomalies == ()
    assert {a.kind for a in read(zip64(size=17)).anomalies} == {K.ZIP64_MISMATCH}
    with pytest.raises(MalformedContentError):
        read(zip64(shift=4))
    with pytest.raises(MalformedContentError):
        read(zip64(shift=1_000_000))


def test_reports_zip64_records_elsewhere() -> None:
    """A locator that points past the record before it, or at other disks, is reported."""
    plain = build_zip([A, B])
    start, end = plain.index(b"PK\x01\x02"), plain.index(b"PK\x05\x06")
    records = zip64_records(entries=2, size=end - start, offset=start, at=end)
    data = build_zip([A, B], Ending(zip64=records[:56] + b"\0" * 8 + records[56:]))
    assert K.ZIP64_MISMATCH in kinds(data)
    disks = zip64_records(entries=2, size=end - start, offset=start, at=end, disks=2)
    assert K.ZIP64_MISMATCH in kinds(build_zip([A, B], Ending(zip64=disks)))


def test_reads_zip64_entries() -> None:
    """An entry's zip64 field gives the sizes that the entry defers; odd ones are reported."""
    deferred: dict[str, int | bytes] = {
        "size": 0xFFFFFFFF,
        "compressed": 0xFFFFFFFF,
        "offset": 0xFFFFFFFF,
    }
    good = struct.pack("<HHQQQ", 1, 24, 5, 5, 0)
    part = Part(name=A.name, data=A.data, central={**deferred, "extra": good})
    archive = read(build_zip([part]))
    assert archive.anomalies == ()
    assert archive.members[0].size == 5
    unused = struct.pack("<HHQQ", 1, 16, 9, 9)
    part = Part(name=A.name, data=A.data, central={"extra": unused})
    assert kinds(build_zip([part])) == {K.ZIP64_MISMATCH}
    part = Part(name=A.name, data=A.data, central={**deferred, "extra": good + good})
    assert kinds(build_zip([part])) == {K.ZIP64_MISMATCH}
    short = struct.pack("<HHQ", 1, 8, 5)
    part = Part(name=A.name, data=A.data, central={**deferred, "extra": short})
    with pytest.raises(MalformedContentError):
        read(build_zip([part]))


def test_a_version_for_zip64_in_the_directory_only_is_benign() -> None:
    """A member beyond 4 GiB needs zip64 in the directory and not in its local header."""
    extra = struct.pack("<HHQ", 1, 8, 0)
    central: dict[str, int | bytes] = {"version": 45, "offset": 0xFFFFFFFF, "extra": extra}
    assert kinds(build_zip([Part(name=b"a", data=b"x", central=central)])) == set()
    assert kinds(build_zip([Part(name=b"a", data=b"x", central={"version": 45})])) == {
        K.VERSION_MISMATCH
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x05\x06",
        b"not a zip",
        build_zip([A], Ending(disk=1)),
        build_zip([A], Ending(total=2)),
        build_zip([Part(name=b"a", central={"disk": 1})]),
        build_zip([A], Ending(size=10, offset=0)),
        build_zip([A], Ending(size=1_000_000)),
        build_zip([], Ending(entries=1)),
        build_zip([A])[:-22][:-5] + build_zip([A])[-22:],
        build_zip([A], Ending(offset=1_000_000, behind=b"x")),
    ],
)
def test_refuses_broken_archives(data: bytes) -> None:
    """Without an end record, or without the directory that it promises, nothing is read."""
    with pytest.raises(MalformedContentError):
        read(data)


def test_reads_an_empty_archive() -> None:
    """An archive without members is one."""
    assert read(build_zip([])) == ZipArchive(members=(), anomalies=())


def test_bounds_the_directory() -> None:
    """A directory that claims too many entries or bytes is refused before it is read."""
    size = limits.MAX_ARCHIVE_DIRECTORY_BYTES + 1
    records = zip64_records(entries=2, size=size, offset=0, at=0)
    with pytest.raises(LimitExceededError):
        read(b"".join([records, build_zip([], Ending(entries=0xFFFF, size=0xFFFFFFFF))]))
    records = zip64_records(entries=limits.MAX_ARCHIVE_MEMBERS + 1, size=0, offset=0, at=0)
    with pytest.raises(LimitExceededError):
        read(b"".join([records, build_zip([])]))


def test_bounds_the_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries beyond the limit are refused though the end record does not count them."""
    monkeypatch.setattr("weighbridge.formats.zip.directory.MAX_ARCHIVE_MEMBERS", 1)
    assert len(read(build_zip([A])).members) == 1
    with pytest.raises(LimitExceededError):
        read(build_zip([A, B], Ending(entries=1)))


def deflated(data: bytes, **central: int) -> bytes:
    """Return an archive with one deflated member."""
    return build_zip([Part(name=b"a", data=data, deflate=True, central=dict(central))])


@pytest.mark.parametrize("data", [b"", b"x", b"hello" * 10_000, bytes(3_000_000)])
def test_inflates(data: bytes) -> None:
    """A deflated member comes back as it was, however well it was packed."""
    source = BytesSource(deflated(data))
    content = open_member(source, read_archive(source).members[0])
    assert content.read_at(0, len(data) + 1) == data


@pytest.mark.parametrize(
    "central",
    [
        {"crc": 1},
        {"size": 4_999},
        {"size": 5_001},
        {"size": 0},
        {"compressed": 20},
        {"flags": 1},
        {"method": 14},
    ],
)
def test_refuses_members_that_are_not_as_the_directory_says(central: dict[str, int]) -> None:
    """Wrong checksum, size, method and encrypted members cannot be opened."""
    source = BytesSource(deflated(b"hello" * 1_000, **central))
    with pytest.raises(MalformedContentError):
        open_member(source, read_archive(source).members[0])


def test_content_with_a_wrong_checksum_can_be_examined() -> None:
    """On request a member with a wrong checksum is inflated, as careless loaders do."""
    source = BytesSource(deflated(b"payload", crc=1))
    member = read_archive(source).members[0]
    content = open_member(source, member, check_crc=False)
    assert content.read_at(0, 100) == b"payload"
    anomaly = find_crc_anomaly(content, member)
    assert anomaly is not None
    assert anomaly.kind is K.CONTENT_CHECKSUM


def test_refuses_broken_deflate_streams() -> None:
    """Garbage, a cut stream and bytes behind the stream's end are malformed."""
    for data in (
        b"\xff" * 50,
        zlib.compress(b"x" * 100)[2:-4][:-1],
        zlib.compress(b"x" * 100)[2:-4] + b"y",
    ):
        part = Part(name=b"a", data=data, local={"method": 8}, central={"method": 8, "size": 100})
        source = BytesSource(build_zip([part]))
        with pytest.raises(MalformedContentError):
            open_member(source, read_archive(source).members[0], check_crc=False)


def test_refuses_bombs() -> None:
    """A size beyond the limit, or beyond what deflate can reach, is refused before inflating."""
    for size in (limits.MAX_MEMBER_BYTES + 1, 100_000_000):
        source = BytesSource(deflated(b"x", size=size))
        with pytest.raises(LimitExceededError):
            open_member(source, read_archive(source).members[0])


def test_a_stored_member_is_a_view() -> None:
    """A stored member is opened without being read, and only with its own size."""

    class Counting(BytesSource):
        """Bytes that count how many of them were read."""

        count = 0

        def read_at(self, offset: int, length: int, /) -> bytes:
            """Read and count."""
            data = super().read_at(offset, length)
            self.count += len(data)
            return data

    source = Counting(build_zip([Part(name=b"a", data=bytes(10_000_000)), A]))
    archive = read_archive(source)
    before = source.count
    content = open_member(source, archive.members[0])
    assert content.size == 10_000_000
    assert source.count == before < 200_000
    short = BytesSource(build_zip([Part(name=b"a", data=b"xy", central={"size": 1})]))
    with pytest.raises(MalformedContentError):
        open_member(short, read_archive(short).members[0])


def test_a_member_of_another_archive_is_refused() -> None:
    """A member that ends beyond the source it is opened in is malformed, not a crash."""
    member = read(build_zip([B])).members[0]
    with pytest.raises(MalformedContentError):
        open_member(BytesSource(build_zip([])), member)


def test_reports_versions_that_readers_refuse() -> None:
    """A version that Python's zipfile refuses is reported, though both headers agree on it."""
    newest, beyond = ({"version": version} for version in (63, 64))
    assert not kinds(build_zip([Part(name=b"a", local=newest, central=newest)]))
    found = kinds(build_zip([Part(name=b"a", local=beyond, central=beyond)]))
    assert found == {K.VERSION_MISMATCH}
