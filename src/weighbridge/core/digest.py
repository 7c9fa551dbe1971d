"""Digests as values: the algorithm, the bytes, and how a file was cut up to make them."""

from dataclasses import dataclass
from enum import StrEnum

from weighbridge.core.values import frozen


class HashAlgorithm(StrEnum):
    """The hash functions of the OMS format; the value is the name on the wire."""

    SHA256 = "sha256"
    BLAKE2B = "blake2b"
    BLAKE3 = "blake3"

    @property
    def digest_size(self) -> int:
        """Bytes of a digest: 64 for BLAKE2b, 32 for the others."""
        return 64 if self is HashAlgorithm.BLAKE2B else 32


@frozen(kw_only=False)
class Digest:
    """A digest; two digests of different algorithms are never equal."""

    algorithm: HashAlgorithm
    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) != self.algorithm.digest_size:
            message = f"a {self.algorithm} digest has {self.algorithm.digest_size} bytes"
            raise ValueError(message)

    @property
    def hex(self) -> str:
        """Lower-case hexadecimal form, as on the wire."""
        return self.value.hex()

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


@dataclass(frozen=True, slots=True, order=True)
class HashLayout:
    """
    How every file of an artifact is digested.

    Attributes:
        algorithm: The hash function.
        shard_size: Bytes per shard, or None when each file has one digest.
    """

    algorithm: HashAlgorithm = HashAlgorithm.SHA256
    shard_size: int | None = None

    def __post_init__(self) -> None:
        if self.shard_size is not None and self.shard_size < 1:
            raise ValueError("a shard has at least one byte")


@frozen(kw_only=False)
class DigestPart:
    """The digest of the bytes `start` (inclusive) to `end` (exclusive) of a file."""

    start: int
    end: int
    value: bytes


@frozen(kw_only=False)
class FileDigest:
    """
    All digests of one file under one layout.

    In files mode there is exactly one part, also for an empty file; in shards mode an empty
    file has no part (OMS specification 6.3).
    """

    layout: HashLayout
    parts: tuple[DigestPart, ...]

    @property
    def whole(self) -> Digest | None:
        """The digest of the whole file where one part covers it, else None."""
        if len(self.parts) == 1:
            return Digest(self.layout.algorithm, self.parts[0].value)
        return None
