"""The header's bytes, taken off one after the other."""

from weighbridge.core.errors import LimitExceededError
from weighbridge.formats.sevenzip.values import malformed


class HeaderBytes:
    """A header, read from its start; whatever is not there is an error."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that were not taken yet."""
        return len(self._data) - self._at

    def take(self, count: int, /) -> bytes:
        """Return the next *count* bytes."""
        if count > self.left:
            raise malformed(f"a header that ends {count - self.left} bytes too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """Return the next number: as many bytes follow the first as it has leading ones."""
        first = self.byte()
        mask, extra = 0x80, 0
        while extra < 8 and first & mask:  # noqa: PLR2004  as many bits as a byte has
            mask >>= 1
            extra += 1
        low = int.from_bytes(self.take(extra), "little")
        return low + ((first & (mask - 1)) << (8 * extra) if mask else 0)

    def count(self, limit: int, what: str) -> int:
        """
        Return the next number, which counts things.

        Raises:
            LimitExceededError: More than *limit*.
        """
        number = self.number()
        if number > limit:
            raise LimitExceededError(
                f"the 7z archive has too many {what}",
                where="7z archive",
                expected=f"at most {limit}",
                found=str(number),
            )
        return number

    def bits(self, count: int) -> tuple[bool, ...]:
        """Return the next *count* bits, which fill whole bytes."""
        data = self.take(-(-count // 8))
        return tuple(bool(data[n // 8] & 0x80 >> n % 8) for n in range(count))

    def optional_bits(self, count: int) -> tuple[bool, ...]:
        """Return *count* bits that are all set unless they are written out."""
        return (True,) * count if self.byte() else self.bits(count)

    def skip_digests(self, count: int) -> tuple[bool, ...]:
        """Take the checksums of those among *count* things that have one; return which have."""
        bits = self.optional_bits(count)
        self.take(4 * sum(bits))
        return bits

    def expect(self, value: int, what: str) -> None:
        """Take the byte *value*."""
        found = self.byte()
        if found != value:
            raise malformed(f"{found:#04x} where {what} should be")
