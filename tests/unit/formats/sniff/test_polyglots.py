"""Files that are of two formats at once."""

import io
import tarfile
import zlib

import pytest

from support.sniffing import CALL, HDF5, KERAS, TORCH, found, sniffed, tar_of
from support.zips import zip_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.formats.sniff import Sniffed


@pytest.mark.parametrize("size", [1, 511, 512, 5000, 9000])
def test_polyglots_are_told_by_head_and_tail(size: int) -> None:
    """A pickle with a zip behind it is a pickle first, and also what the zip is."""
    head = CALL + bytes(size)
    result = sniffed(head + TORCH, "model.bin")
    assert result.format is F.PICKLE
    assert result.also == (F.TORCH_ZIP,)
    assert sniffed(head, "model.bin").also == ()


def test_a_zip_behind_anything_is_told() -> None:
    """Text, images and unknown bytes with a zip at their end say so; a mere signature does not."""
    for head in (b"text\n", b"\x89PNG\r\n\x1a\n" + bytes(50), bytes(20_000)):
        assert sniffed(head + zip_of({"a": b"x"})).also == (F.ZIP,)
        assert sniffed(head + KERAS).also == (F.KERAS_V3,)
        assert sniffed(head + b"PK\x05\x06" + bytes(18)).also == ()
        assert sniffed(head + b"PK\x05\x06").also == ()


def test_a_zip_with_the_names_of_two_loaders_is_both() -> None:
    """An archive that torch and Keras would both open says both."""
    data = zip_of({"m/data.pkl": b"", "config.json": b"{}", "metadata.json": b"{}"})
    assert sniffed(data).format is F.TORCH_ZIP
    assert sniffed(data).also == (F.KERAS_V3,)


@pytest.mark.parametrize(
    "spelling",
    [b"%08o", b"%06o\0 ", b"\t%06o\n", b" 0o%05o", b"+%05o  ", b"%06o\0x", b"\x80\0\0\0\0%b"],
)
@pytest.mark.parametrize("start", [b"words", b"GIF87a", b"\0\1\0\0\0\0\0\0{"])
def test_a_tar_header_counts_however_its_checksum_is_spelled(start: bytes, spelling: bytes) -> None:
    """What Python's tarfile opens is a tar, and with another checksum it is not."""

    def spelled(number: int) -> bytes:
        value = number.to_bytes(3, "big") if spelling.endswith(b"b") else number
        return (spelling % value).ljust(8)

    block = bytearray(start.ljust(100, b" ") + b"0000644 " * 3 + b"00000000001 " * 2)
    block += b" " * 8 + b"0".ljust(512 - len(block) - 8)
    total = sum(block)
    block[148:156] = spelled(total)
    with tarfile.open(fileobj=io.BytesIO(block + bytes(1024))) as archive:
        assert archive.getmembers()
    result = sniffed(bytes(block))
    assert F.TAR in (result.format, *result.also)
    block[148:156] = spelled(total + 1)
    result = sniffed(bytes(block))
    assert F.TAR not in (result.format, *result.also)


def test_a_tar_that_starts_as_a_pickle_is_both() -> None:
    """A member's name can be a pickle: the archive is that first."""
    result = sniffed(tar_of("cos\nsystem\n(S'id'\ntR."))
    assert result.format is F.PICKLE
    assert result.also == (F.TAR,)


def test_an_image_that_is_a_pickle_is_both() -> None:
    """GIF's signature is a float to an unpickler, and what follows can be a call."""
    result = sniffed(b"GIF89a\x01\x00\x00" + CALL, "a.gif")
    assert result == Sniffed(format=F.PICKLE, suffix_format=F.IMAGE, also=(F.IMAGE,))


@pytest.mark.parametrize("at", [512, 1024, 2048, 65536])
def test_hdf5_behind_a_user_block_is_told(at: int) -> None:
    """HDF5 starts at byte 0 or at any doubling of 512, whatever the block before it holds."""
    assert sniffed(bytes(at) + HDF5).format is F.HDF5
    text = sniffed(b"x" * at + HDF5)
    assert F.HDF5 in (text.format, *text.also)
    assert sniffed(bytes(at + 8) + HDF5).format is F.UNKNOWN


def test_text_that_is_zlib_is_zlib() -> None:
    """A stream whose first bytes are letters is told by what it inflates to, and text is not."""
    assert found(b"x^2 + y^2 = z^2\n", "a.txt") is F.TEXT
    assert found(b"hC is text\n") is F.TEXT
    assert found(zlib.compress(CALL)[:-6]) is F.ZLIB
    assert found(zlib.compress(b"hello")[:-5]) is F.ZLIB
    assert found(b"\x78\x9c") is F.UNKNOWN
    assert found(b"\x78\x9c" + b"\xff" * 50) is F.UNKNOWN
    assert found(b"\x78\x9d" + zlib.compress(b"hello")[2:]) is F.UNKNOWN
    assert found(b"\x78\xbb" + bytes(4) + zlib.compress(b"hello")[2:]) is F.UNKNOWN
