"""An HDF5 file as addresses: bounded reads, and fields of the file's own widths."""

from collections.abc import Callable
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import (
    MAX_HDF5_CHECKED_BYTES,
    MAX_HDF5_METADATA_BYTES,
    MAX_HDF5_PROBLEMS,
)
from weighbridge.formats.hdf5.checksum import lookup3

CHECKSUM_BYTES: Final = 4


class Image:
    """
    The bytes of an HDF5 file, by address.

    Attributes:
        source: The whole file.
        base: Where address 0 is: the length of the user block.
        offset_size: Bytes of an address in the file.
        length_size: Bytes of a length in the file.
        checkpoint: Called at every read; may raise to end the work.
    """

    def __init__(self, source: ByteSource, *, base: int, checkpoint: Callable[[], None]) -> None:
        self.source: Final = source
        self.base: Final = base
        self.offset_size = 8
        self.length_size = 8
        self.checkpoint: Final = checkpoint
        self._spent = 0
        self._checked = 0
        self._problems: list[str] = []

    @property
    def undefined(self) -> int:
        """The address that stands for none."""
        return (1 << 8 * self.offset_size) - 1

    def read(self, address: int, length: int, *, what: str) -> bytes:
        """
        Return *length* bytes at *address*.

        Raises:
            MalformedContentError: They are not all within the file.
            LimitExceededError: More metadata was read than `MAX_HDF5_METADATA_BYTES`.
        """
        self.checkpoint()
        begin = self.base + address
        if address < 0 or begin + length > self.source.size:
            found = f"{length} bytes at address {address}"
            raise malformed(what, expected="bytes within the file", found=found)
        self._spent += length
        if self._spent > MAX_HDF5_METADATA_BYTES:
            raise too_large("bytes of metadata", limit=MAX_HDF5_METADATA_BYTES)
        return self.source.read_at(begin, length)

    def fields(self, address: int, length: int, *, what: str, magic: bytes = b"") -> "Fields":
        """Return *length* bytes at *address* as fields, behind their signature *magic*."""
        fields = Fields(self.read(address, length, what=what), image=self, what=what)
        fields.expect(magic)
        return fields

    def check(self, data: bytes, *, what: str) -> None:
        """
        Compare the checksum at the end of *data*; a wrong one is a problem and no end.

        The library refuses such a block, other readers need not. Behind
        `MAX_HDF5_CHECKED_BYTES` none is compared, which is a problem as well.
        """
        self._checked += len(data)
        if self._checked > MAX_HDF5_CHECKED_BYTES:
            self.report(f"checksums of over {MAX_HDF5_CHECKED_BYTES} bytes are not compared")
            return
        stated = int.from_bytes(data[-CHECKSUM_BYTES:], "little")
        if lookup3(data[:-CHECKSUM_BYTES]) != stated:
            self.report(f"{what} has a wrong checksum")

    def report(self, problem: str) -> None:
        """
        Keep *problem* for `take_problems`.

        Raises:
            LimitExceededError: There are more than `MAX_HDF5_PROBLEMS`.
        """
        self._problems.append(problem)
        if len(self._problems) > MAX_HDF5_PROBLEMS:
            raise too_large("problems", limit=MAX_HDF5_PROBLEMS)

    def take_problems(self) -> tuple[str, ...]:
        """Return the problems since the last call."""
        problems = tuple(dict.fromkeys(self._problems))
        self._problems.clear()
        return problems


class Fields:
    """A position in a block of metadata."""

    __slots__ = ("_data", "_image", "_what", "at")

    def __init__(self, data: bytes, *, image: Image, what: str) -> None:
        self._data = data
        self._image = image
        self._what = what
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes behind the position."""
        return len(self._data) - self.at

    def take(self, length: int) -> bytes:
        """
        Take exactly *length* bytes.

        Raises:
            MalformedContentError: There are fewer.
        """
        if length > self.left:
            expected = f"{length} bytes more"
            raise malformed(self._what, expected=expected, found=str(self.left))
        self.at += length
        return self._data[self.at - length : self.at]

    def rest(self) -> bytes:
        """Take all bytes that are left."""
        return self.take(self.left)

    def uint(self, width: int) -> int:
        """Take an unsigned number of *width* bytes."""
        return int.from_bytes(self.take(width), "little")

    def offset(self) -> int | None:
        """Take an address; None where it is undefined."""
        address = self.uint(self._image.offset_size)
        return None if address == self._image.undefined else address

    def address(self) -> int:
        """
        Take an address that has to be one.

        Raises:
            MalformedContentError: It is undefined.
        """
        address = self.offset()
        if address is None:
            raise malformed(self._what, expected="an address", found="none")
        return address

    def length(self) -> int:
        """Take a length."""
        return self.uint(self._image.length_size)

    def text(self) -> str:
        """
        Take a string up to its NUL.

        Raises:
            MalformedContentError: It has no end.
        """
        end = self._data.find(b"\0", self.at)
        if end < 0:
            raise malformed(self._what, expected="a string with an end", found="none")
        return decode(self.take(end + 1 - self.at)[:-1])

    def expect(self, magic: bytes) -> None:
        """
        Take the signature *magic*.

        Raises:
            MalformedContentError: Something else is there.
        """
        found = self.take(len(magic))
        if found != magic:
            raise malformed(self._what, expected=repr(magic), found=repr(found))

    def version(self, *accepted: int) -> int:
        """
        Take a version number of one byte.

        Raises:
            MalformedContentError: It is none of *accepted*.
        """
        found = self.uint(1)
        if found not in accepted:
            expected = "version " + " or ".join(str(each) for each in accepted)
            raise malformed(self._what, expected=expected, found=str(found))
        return found


def decode(data: bytes) -> str:
    """Return *data* as text; bytes that are not UTF-8 stay recognisable."""
    return data.decode("utf-8", "backslashreplace")


def malformed(what: str, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a file that breaks the format."""
    return MalformedContentError(what, where="HDF5 file", expected=expected, found=found)


def too_large(what: str, *, limit: int) -> LimitExceededError:
    """Build the error for a file beyond the limits."""
    return LimitExceededError(
        f"too many {what}", where="HDF5 file", expected=f"at most {limit}", found="more"
    )
