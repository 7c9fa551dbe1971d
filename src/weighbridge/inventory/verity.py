"""
fs-verity: files of which the kernel itself refuses every byte that is not that of their digest.

Such a file can never be written to again, not by root either; what changes its blocks on the disk
is met by a read error. Its digest is that of a Merkle tree over its blocks and its size, and not
the SHA-256 of its content: it tells that a file is the one that was hashed, not what it hashes to.

Source: the kernel's documentation, filesystems/fsverity; `linux/fsverity.h`.
"""

import os
import struct
import sys
from pathlib import Path
from typing import Final

if sys.platform != "win32":
    import fcntl

# As on x86-64 and ARM.
_ENABLE: Final = 0x40806685
_MEASURE: Final = 0xC0046686
_HEADER: Final = struct.Struct("=HH")
_MAX_DIGEST_BYTES: Final = 64
_ARGUMENT: Final = struct.Struct("=IIIIQIIQ88x")
_VERSION: Final = 1
_SHA256: Final = 1
_BLOCK_BYTES: Final = 4096


def measure(descriptor: int, /) -> str | None:
    """
    Return the digest of the open file *descriptor*, `ALGORITHM:HEX`; None where it has none.

    What a file system in user space answers is its own word: look at where the file lies.
    """
    if sys.platform != "linux":
        return None
    room = bytearray(_HEADER.size + _MAX_DIGEST_BYTES)
    _HEADER.pack_into(room, 0, 0, _MAX_DIGEST_BYTES)
    try:
        fcntl.ioctl(descriptor, _MEASURE, room)
    except OSError:
        return None
    algorithm, size = _HEADER.unpack_from(room)
    if not 0 < size <= _MAX_DIGEST_BYTES:
        return None
    return f"{algorithm}:{room[_HEADER.size :][:size].hex()}"


def enable(path: Path, /) -> bool:
    """
    Have the kernel keep the file *path* as it is, for ever; return whether it does.

    The file can still be removed and renamed. Its mode has to let its owner write, and nobody may
    have it open for writing. File systems that cannot do it are met by False.
    """
    if sys.platform != "linux":
        return False
    argument = _ARGUMENT.pack(_VERSION, _SHA256, _BLOCK_BYTES, 0, 0, 0, 0, 0)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _ENABLE, argument)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
