"""The superblock: where an HDF5 file starts, and how wide its fields are (specification II.A)."""

from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.formats.hdf5.image import Image, malformed
from weighbridge.formats.hdf5.values import Superblock

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"

_FIRST_BLOCK: Final = 512
_MOST_BYTES: Final = 128
_WIDTHS: Final = (2, 4, 8)
_CACHED_GROUP: Final = 1
_WHAT: Final = "superblock"


def find_base(source: ByteSource) -> int:
    """
    Return where the superblock is: at byte 0, 512, or a doubling of that.

    Raises:
        MalformedContentError: Nowhere.
    """
    at = 0
    while at + len(SIGNATURE) <= source.size:
        if source.read_at(at, len(SIGNATURE)) == SIGNATURE:
            return at
        at = at * 2 or _FIRST_BLOCK
    raise malformed(_WHAT, expected=repr(SIGNATURE), found="none at byte 0, 512 or a doubling")


def read_superblock(image: Image) -> Superblock:
    """
    Read the superblock and set the widths of *image*.

    Raises:
        MalformedContentError: It does not follow the format.
    """
    version = image.read(len(SIGNATURE), 1, what=_WHAT)[0]
    if version in (0, 1):
        return _read_first(image, version)
    if version in (2, 3):
        return _read_second(image, version)
    raise malformed(_WHAT, expected="version 0 to 3", found=str(version))


def _set_widths(image: Image, *, offsets: int, lengths: int) -> None:
    """Set the widths of addresses and lengths."""
    if offsets not in _WIDTHS or lengths not in _WIDTHS:
        found = f"{offsets} and {lengths} bytes"
        raise malformed(_WHAT, expected="addresses of 2, 4 or 8 bytes", found=found)
    image.offset_size = offsets
    image.length_size = lengths


def _read_first(image: Image, version: int) -> Superblock:
    """Read version 0 or 1."""
    size = min(_MOST_BYTES, image.source.size - image.base)
    fields = image.fields(0, size, what=_WHAT, magic=SIGNATURE)
    fields.take(5)  # versions of other structures, none of which has a second one
    offsets, lengths = fields.uint(1), fields.uint(1)
    _set_widths(image, offsets=offsets, lengths=lengths)
    fields.take(1 + 2 + 2 + 4)  # reserved, fan-outs of group trees, flags
    if version == 1:
        fields.take(2 + 2)  # fan-out of chunk trees
    base = fields.address()
    fields.offset()  # free space: nothing is read there
    end = fields.address()
    driver = fields.offset()
    fields.offset()  # the root has no name
    root = fields.address()
    kind = fields.uint(4)
    fields.take(4)
    cached = None
    if kind == _CACHED_GROUP:
        cached = (fields.uint(image.offset_size), fields.uint(image.offset_size))
    if driver is not None:
        image.report("the file is one of several: its superblock names a driver")
    return _placed(image, version, stated_base=base, end=end, root=root, cached=cached)


def _read_second(image: Image, version: int) -> Superblock:
    """Read version 2 or 3."""
    offsets, lengths = image.read(len(SIGNATURE) + 1, 2, what=_WHAT)
    _set_widths(image, offsets=offsets, lengths=lengths)
    block = image.read(0, len(SIGNATURE) + 4 + 4 * offsets + 4, what=_WHAT)
    image.check(block, what=_WHAT)
    fields = image.fields(len(SIGNATURE) + 4, 4 * offsets, what=_WHAT)
    base = fields.address()
    extension = fields.offset()
    end = fields.address()
    root = fields.address()
    return _placed(
        image, version, stated_base=base, end=end, root=root, cached=None, extension=extension
    )


def _placed(
    image: Image,
    version: int,
    *,
    stated_base: int,
    end: int,
    root: int,
    cached: tuple[int, int] | None,
    extension: int | None = None,
) -> Superblock:
    """
    Return the superblock, with the base at which it was found.

    The library trusts the place and not the field (H5F__super_read), and moves the end along.
    """
    if stated_base != image.base:
        image.report(f"the superblock is at byte {image.base} and says {stated_base}")
    return Superblock(
        version=version,
        base=image.base,
        end=end - stated_base + image.base,
        root=root,
        cached=cached,
        extension=extension,
    )
