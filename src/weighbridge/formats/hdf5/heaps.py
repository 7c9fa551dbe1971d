"""Local heaps (names of old groups) and global heaps (values of variable length)."""

from typing import Final

from weighbridge.core.limits.weights import MAX_HDF5_ITEMS
from weighbridge.formats.hdf5.image import Fields, Image, decode, malformed, too_large

_LOCAL: Final = "local heap"
_GLOBAL: Final = "global heap"
_GLOBAL_MAGIC: Final = b"GCOL"
_ALIGNMENT: Final = 8
_LONGEST_STRING: Final = 65_536
_BLOCK: Final = 512

Place = tuple[int, int]
"""Address and bytes of a value."""


class LocalHeap:
    """The strings of an old group, by their offset in the heap (specification III.D)."""

    def __init__(self, image: Image, address: int) -> None:
        size = 8 + 2 * image.length_size + image.offset_size
        fields = image.fields(address, size, what=_LOCAL, magic=b"HEAP")
        fields.version(0)
        fields.take(3)
        self._size = fields.length()
        fields.length()  # free list
        self._start = fields.address()
        self._image = image

    def text(self, offset: int) -> str:
        """
        Return the string at *offset*.

        Raises:
            MalformedContentError: There is none, or it has no end within the heap.
        """
        found = bytearray()
        at = offset
        while at < min(self._size, offset + _LONGEST_STRING):
            length = min(_BLOCK, self._size - at)
            block = self._image.read(self._start + at, length, what=_LOCAL)
            head, end, _ = block.partition(b"\0")
            found += head
            if end:
                return decode(bytes(found))
            at += length
        raise malformed(_LOCAL, expected="a string with an end", found=f"none at {offset}")


class GlobalHeap:
    """Values of variable length, by collection and number (specification III.E)."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._collections: dict[int, dict[int, Place]] = {}
        self._items = 0

    def find(self, address: int, index: int) -> Place:
        """
        Return where the object *index* of the collection at *address* is.

        Raises:
            MalformedContentError: There is no such object, or no such collection.
            LimitExceededError: More objects than `MAX_HDF5_ITEMS`.
        """
        objects = self._collections.get(address)
        if objects is None:
            objects = self._collections[address] = self._read(address)
        if index not in objects:
            expected = f"the object {index} at address {address}"
            raise malformed(_GLOBAL, expected=expected, found="none")
        return objects[index]

    def value(self, address: int, index: int, *, limit: int) -> bytes:
        """
        Return the object *index* of the collection at *address*.

        Raises:
            MalformedContentError: There is no such object, or no such collection.
            LimitExceededError: It has more than *limit* bytes.
        """
        start, size = self.find(address, index)
        if size > limit:
            raise too_large("bytes of a value", limit=limit)
        return self._image.read(start, size, what=_GLOBAL)

    def _read(self, address: int) -> dict[int, Place]:
        """Return the objects of a collection; the object 0 is free space and its end."""
        image = self._image
        head_size = prefix = _aligned(8 + image.length_size)
        head = image.fields(address, head_size, what=_GLOBAL, magic=_GLOBAL_MAGIC)
        head.version(1)
        head.take(3)
        end = address + head.length()
        objects: dict[int, Place] = {}
        at = address + head_size
        while at + prefix <= end:
            fields = Fields(image.read(at, prefix, what=_GLOBAL), image=image, what=_GLOBAL)
            index = fields.uint(2)
            if index == 0:
                break
            fields.take(2 + 4)
            size = fields.length()
            if at + prefix + size > end:
                raise malformed(_GLOBAL, expected="objects within it", found=f"{size} bytes")
            if index in objects:
                image.report(f"a global heap has the object {index} twice")
            objects[index] = (at + prefix, size)
            at += prefix + _aligned(size)
            self._items += 1
            if self._items > MAX_HDF5_ITEMS:
                raise too_large("objects in global heaps", limit=MAX_HDF5_ITEMS)
        return objects


def _aligned(size: int) -> int:
    """Return *size* with what fills it up in a global heap."""
    return -(-size // _ALIGNMENT) * _ALIGNMENT
