"""Fractal heaps: the links and attributes of new groups (specification III.G)."""

from typing import Final

from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.core.limits.weights import MAX_HDF5_DEPTH
from weighbridge.formats.hdf5.btree2 import read_records
from weighbridge.formats.hdf5.image import CHECKSUM_BYTES, Fields, Image, malformed, too_large

_WHAT: Final = "fractal heap"
_CHECKED_BLOCKS: Final = 0x02
_MANAGED: Final = 0
_HUGE: Final = 1
_TINY: Final = 2
_HUGE_TREE: Final = 1
_LONG_ID: Final = 18
"""Bytes of an object's number from which a tiny object has its length in two bytes."""

_MAX_HEAP_BITS: Final = 64


class FractalHeap:
    """
    Objects of a heap by their numbers.

    Heaps whose blocks are filtered are not read: no writer of models makes them.

    Raises:
        MalformedContentError: It does not follow the format.
    """

    def __init__(self, image: Image, address: int) -> None:
        self._image = image
        lengths, offsets = image.length_size, image.offset_size
        size = 4 + 1 + 2 + 2 + 1 + 4 + 12 * lengths + 3 * offsets + 2 + 2 + 2 + 2
        fields = image.fields(address, size, what=_WHAT, magic=b"FRHP")
        fields.version(0)
        self.id_size = fields.uint(2)
        filters = fields.uint(2)
        flags = fields.uint(1)
        most = fields.uint(4)
        fields.length()  # next huge object
        self._huge_tree = fields.offset()
        fields.length()
        fields.offset()  # free space
        fields.take(8 * lengths)
        self._width = fields.uint(2)
        self._first = fields.length()
        self._last_direct = fields.length()
        bits = fields.uint(2)
        fields.take(2)
        self._root = fields.offset()
        self._rows = fields.uint(2)
        if filters:
            raise malformed(_WHAT, expected="blocks without filters", found="filtered blocks")
        image.check(image.read(address, size + CHECKSUM_BYTES, what=_WHAT), what=_WHAT)
        self._check_table(bits)
        self._offset_width = _bytes_of(bits)
        self._length_width = min(_bytes_of(self._last_direct.bit_length() - 1), _width(most))
        self._checked = bool(flags & _CHECKED_BLOCKS)
        self._direct_rows = (self._last_direct // self._first).bit_length() + 1
        self._huge: dict[int, tuple[int, int]] | None = None

    def _check_table(self, bits: int) -> None:
        """Refuse sizes that are no powers of two, and heaps of more than 64 bits."""
        powers = all(n > 0 and n.bit_count() == 1 for n in (self._first, self._last_direct))
        if not powers or not self._width or self._width.bit_count() != 1:
            raise malformed(_WHAT, expected="blocks of powers of two", found="others")
        if self._last_direct < self._first or bits > _MAX_HEAP_BITS:
            raise malformed(_WHAT, expected="a sane table of blocks", found="another")

    def value(self, number: bytes) -> bytes:
        """
        Return the object *number*.

        Raises:
            MalformedContentError: There is no such object.
            LimitExceededError: It is larger than `MAX_TEXT_BYTES`.
        """
        fields = Fields(number, image=self._image, what=_WHAT)
        head = fields.uint(1)
        match (head >> 4) & 3:
            case kind if kind == _MANAGED:
                offset = fields.uint(self._offset_width)
                length = fields.uint(self._length_width)
                return self._managed(offset, length)
            case kind if kind == _HUGE:
                return self._huge_object(fields)
            case kind if kind == _TINY:
                length = head & 0x0F
                if self.id_size > _LONG_ID:
                    length = length << 8 | fields.uint(1)
                return fields.take(length + 1)
            case kind:
                raise malformed(_WHAT, expected="a known kind of object", found=str(kind))

    def _managed(self, offset: int, length: int) -> bytes:
        """Return *length* bytes at *offset* of the heap's own space."""
        if self._root is None:
            raise malformed(_WHAT, expected="a block", found="none")
        block, start, size = self._root, 0, self._first
        rows = self._rows
        for _ in range(MAX_HDF5_DEPTH):
            if not rows:
                break
            block, start, size, rows = self._descend(block, start, rows, offset)
        else:
            raise too_large("levels of a heap", limit=MAX_HDF5_DEPTH)
        head = 5 + self._image.offset_size + self._offset_width
        head += CHECKSUM_BYTES if self._checked else 0
        if not start + head <= offset <= offset + length <= start + size:
            raise malformed(_WHAT, expected="an object within a block", found=f"{length} bytes")
        self._image.fields(block, 4, what=_WHAT, magic=b"FHDB")
        return self._image.read(block + offset - start, length, what=_WHAT)

    def _descend(
        self, address: int, start: int, rows: int, offset: int
    ) -> tuple[int, int, int, int]:
        """Return address, start, size and rows (0 for a direct block) of the block at *offset*."""
        image = self._image
        entry, block_start, block_size, row = self._place(start, rows, offset)
        head = 5 + image.offset_size + self._offset_width
        image.fields(address, 4, what=_WHAT, magic=b"FHIB")
        fields = image.fields(
            address + head + entry * image.offset_size, image.offset_size, what=_WHAT
        )
        below = 0
        if row >= self._direct_rows:
            below = (block_size // (self._first * self._width)).bit_length()
            if not 0 < below < rows:
                raise malformed(_WHAT, expected="a smaller block", found=f"{below} rows")
        return fields.address(), block_start, block_size, below

    def _place(self, start: int, rows: int, offset: int) -> tuple[int, int, int, int]:
        """Return the entry, start, size and row of the block that holds *offset*."""
        at = start
        for row in range(rows):
            size = self._first << max(0, row - 1)
            if offset < at + size * self._width:
                column = (offset - at) // size
                return row * self._width + column, at + column * size, size, row
            at += size * self._width
        raise malformed(_WHAT, expected="an offset within the heap", found=str(offset))

    def _huge_object(self, fields: Fields) -> bytes:
        """Return an object that has a place of its own in the file."""
        image = self._image
        if self.id_size - 1 >= image.offset_size + image.length_size:
            start, length = fields.address(), fields.length()
        else:
            start, length = self._find_huge(int.from_bytes(fields.rest(), "little"))
        if length > MAX_TEXT_BYTES:
            raise too_large("bytes of a value", limit=MAX_TEXT_BYTES)
        return image.read(start, length, what=_WHAT)

    def _find_huge(self, number: int) -> tuple[int, int]:
        """Return address and length of the huge object *number*."""
        if self._huge is None:
            self._huge = {}
            if self._huge_tree is not None:
                for record in read_records(self._image, self._huge_tree, kinds=(_HUGE_TREE,)):
                    fields = Fields(record, image=self._image, what=_WHAT)
                    place = fields.address(), fields.length()
                    self._huge[fields.length()] = place
        if number not in self._huge:
            raise malformed(_WHAT, expected=f"the object {number}", found="none")
        return self._huge[number]


def _width(limit: int) -> int:
    """Return the bytes that numbers up to *limit* take (H5VM_limit_enc_size)."""
    return (max(limit, 1).bit_length() - 1) // 8 + 1


def _bytes_of(bits: int) -> int:
    """Return the bytes that *bits* take."""
    return (bits + 7) // 8
