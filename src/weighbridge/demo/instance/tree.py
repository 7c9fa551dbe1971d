"""
The Merkle tree of a transparency log: append, root, proof of inclusion.

Source: RFC 6962, section 2.1. Only the log needs this; verifying a proof is the business of the
`sigstore` package.
"""

import hashlib
import threading
from collections.abc import Sequence

from weighbridge.core.values import frozen


@frozen
class Inclusion:
    """
    That a leaf is in a tree.

    Attributes:
        index: Of the leaf, from 0.
        size: Leaves in the tree.
        root: The tree's hash.
        path: The hashes that lead from the leaf to the root.
    """

    index: int
    size: int
    root: bytes
    path: tuple[bytes, ...]


class Tree:
    """An append-only tree in memory; several threads may append to it."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []
        self._lock = threading.Lock()

    def append(self, leaf: bytes) -> Inclusion:
        """Append *leaf* and prove that it is in the tree."""
        with self._lock:
            self._leaves.append(hashlib.sha256(b"\x00" + leaf).digest())
            leaves = tuple(self._leaves)
        return Inclusion(
            index=len(leaves) - 1,
            size=len(leaves),
            root=root(leaves),
            path=tuple(_path_of_last(leaves)),
        )

    def head(self) -> tuple[int, bytes]:
        """Return the number of leaves and the root."""
        with self._lock:
            leaves = tuple(self._leaves)
        return len(leaves), root(leaves)


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of *leaves*."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return _node(root(leaves[:split]), root(leaves[split:]))


def _path_of_last(leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes beside the way from the last leaf to the root: all are to its left."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    return [*_path_of_last(leaves[split:]), root(leaves[:split])]


def _split(count: int) -> int:
    """Return the largest power of two that is smaller than *count*."""
    return 1 << ((count - 1).bit_length() - 1)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
