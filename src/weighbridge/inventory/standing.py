"""
What the kernel says of a file besides its stamp, for telling later whether it is still the same.

A stamp is as good as the file system that keeps it (ADR 0030). So file systems are named here whose
change times no program can set or evade, and two things are asked of those that have them: the
inode's generation, another one for another file under the same number, and the fs-verity digest,
with which the kernel itself refuses bytes that are not those of the digest.
"""

import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.inventory.verity import measure

if sys.platform != "win32":
    import fcntl

LASTING: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"})
"""File systems on local disks that set the change time at every change, as Linux names them."""

# linux/fs.h, as on x86-64 and ARM.
_LONG_BYTES: Final = struct.calcsize("l")
_GET_VERSION: Final = 0x80007601 | _LONG_BYTES << 16

_MOUNTS: Final = Path("/proc/self/mountinfo")


@frozen
class Standing:
    """
    What an open file is, besides its stamp; None where the file system does not tell.

    Attributes:
        generation: Of the inode.
        verity: The fs-verity digest, `ALGORITHM:HEX`; such a file can never change again.
    """

    generation: int | None
    verity: str | None


def standing_of(descriptor: int, /) -> Standing:
    """Return the standing of the open file *descriptor*."""
    if sys.platform != "linux":
        return Standing(generation=None, verity=None)
    return Standing(generation=_generation(descriptor), verity=measure(descriptor))


def lasting_devices() -> frozenset[int]:
    """Return the numbers of the devices with mounted file systems of `LASTING`; none elsewhere."""
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return frozenset()
    devices: set[int] = set()
    for line in lines:
        fields, _, rest = line.partition(" - ")
        with suppress(ValueError, IndexError):
            major, minor = fields.split(" ")[2].split(":")
            if rest.split(" ")[0] in LASTING:
                devices.add(os.makedev(int(major), int(minor)))
    return frozenset(devices)


def _generation(descriptor: int) -> int | None:
    try:
        answer = fcntl.ioctl(descriptor, _GET_VERSION, bytes(_LONG_BYTES))
    except OSError:
        return None
    return int.from_bytes(answer[:4], sys.byteorder)
