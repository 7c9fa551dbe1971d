"""What a reader of a zip's member gets, whatever is wrong with it."""

import bz2
import lzma
import zlib

import pytest
from backports import zstd

from support.zips import Part, build_zip
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.zip import DEFLATED, MemberContent, prefix, read_archive, read_prefix

DATA = b"some content, " * 300


def _lzma(data: bytes) -> bytes:
    """Return LZMA as zip has it: version, length of the properties, properties, stream."""
    filters = [{"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 16}]
    packed = lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
    return (
        b"\x09\x14\x05\x00"
        + bytes([(2 * 5 + 0) * 9 + 3])
        + (1 << 16).to_bytes(4, "little")
        + packed
    )


def _deflate(data: bytes) -> bytes:
    """Return a bare deflate stream."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


METHODS = {8: _deflate, 12: bz2.compress, 14: _lzma, 93: zstd.compress}


def _read(packed: bytes, method: int, *, size: int = len(DATA), **fields: int) -> MemberContent:
    """Return what a reader gets of a member of *packed* bytes."""
    fixed = {"method": method, "size": size, "crc": zlib.crc32(DATA)} | fields
    data = build_zip([Part(name=b"a", data=packed, local=fixed, central=fixed)])
    source = BytesSource(data)
    (member,) = read_archive(source).members
    return read_prefix(source, member, spend=lambda _: None, check_time=lambda: None)


@pytest.mark.parametrize("method", METHODS)
class TestEveryMethod:
    """What holds for all methods that Python's zipfile reads."""

    def test_content(self, method: int) -> None:
        """The content is that which was packed."""
        found = _read(METHODS[method](DATA), method)
        assert (found.content.read_at(0, 1 << 20), found.problem) == (DATA, None)

    def test_another_size(self, method: int) -> None:
        """A member of another size than stated is a problem, and its content is there."""
        found = _read(METHODS[method](DATA), method, size=4)
        assert isinstance(found.problem, MalformedContentError)

    def test_cut(self, method: int) -> None:
        """A cut stream is a problem."""
        assert isinstance(_read(METHODS[method](DATA)[:-9], method).problem, MalformedContentError)

    def test_more_behind(self, method: int) -> None:
        """Bytes behind the stream are a problem."""
        found = _read(METHODS[method](DATA) + b"more", method)
        assert isinstance(found.problem, MalformedContentError)
        assert found.content.size == len(DATA)

    def test_limit(self, method: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Content beyond the limit is a problem, and what lies within it is there."""
        monkeypatch.setattr(prefix, "MAX_MEMBER_BYTES", 10)
        found = _read(METHODS[method](DATA), method)
        if method == DEFLATED:  # of which the content is read in pieces then
            assert (found.content.read_at(0, len(DATA)), found.problem) == (DATA, None)
            return
        assert isinstance(found.problem, LimitExceededError)
        assert found.content.read_at(0, 20) == DATA[:10]

    def test_large_and_not_as_stated(self, method: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """A large member is held to its size and its end, too."""
        monkeypatch.setattr(prefix, "MAX_MEMBER_BYTES", 10)
        assert _read(METHODS[method](DATA) + b"more", method).problem is not None
        assert _read(METHODS[method](DATA), method, size=4).problem is not None


def test_stored_members_are_views() -> None:
    """A stored member is what lies in the file, whatever size is stated."""
    assert _read(DATA, 0).problem is None
    found = _read(DATA, 0, size=4)
    assert isinstance(found.problem, MalformedContentError)
    assert found.content.size == len(DATA)


def test_broken_lzma_properties() -> None:
    """Properties that LZMA cannot have are a problem."""
    found = _read(b"\x09\x14\x05\x00\xff\x00\x00\x01\x00" + b"x" * 20, 14)
    assert isinstance(found.problem, MalformedContentError)


def test_unreadable_members() -> None:
    """Members of unknown methods cannot be read by anybody here."""
    with pytest.raises(MalformedContentError):
        _read(DATA, 97)


@pytest.mark.parametrize(("packed", "method"), [(DATA, 0), (_deflate(DATA), 8)])
def test_members_that_claim_to_be_encrypted(packed: bytes, method: int) -> None:
    """What claims to be encrypted is read as if it were not, and that is a problem."""
    found = _read(packed, method, flags=1)
    assert found.content.read_at(0, len(DATA)) == DATA
    assert isinstance(found.problem, MalformedContentError)


def test_members_of_other_archives() -> None:
    """A member that the file does not hold is refused."""
    source = BytesSource(build_zip([Part(name=b"a", data=DATA)]))
    (member,) = read_archive(source).members
    short = BytesSource(source.read_at(0, 40))
    with pytest.raises(MalformedContentError):
        read_prefix(short, member, spend=lambda _: None, check_time=lambda: None)
    lost = build_zip([Part(name=b"a", data=DATA, central={"offset": 3})])
    (member,) = read_archive(BytesSource(lost)).members
    with pytest.raises(MalformedContentError):
        read_prefix(BytesSource(lost), member, spend=lambda _: None, check_time=lambda: None)
