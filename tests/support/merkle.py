"""Proofs of inclusion, followed as a verifier follows them."""

import hashlib

from weighbridge.demo.instance.tree import Inclusion


def climb(leaf: bytes, inclusion: Inclusion) -> bytes:
    """Return the root that the proof leads to: RFC 9162 section 2.1.3.2."""
    index, last = inclusion.index, inclusion.size - 1
    found = hashlib.sha256(b"\x00" + leaf).digest()
    for step in inclusion.path:
        if index % 2 or index == last:
            found = hashlib.sha256(b"\x01" + step + found).digest()
            while not index % 2 and index:
                index, last = index // 2, last // 2
        else:
            found = hashlib.sha256(b"\x01" + found + step).digest()
        index, last = index // 2, last // 2
    assert last == 0
    return found
