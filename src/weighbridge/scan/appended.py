"""
Archives appended to a file of another format.

Zip readers look at the end of a file, every other reader at its start. So an archive behind a
picture or a text is invisible to whoever tells formats from the first bytes, and is what a
loader opens that asks whether the file is a zip archive.
"""

import struct
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.limits import SNIFF_TAIL_BYTES

# APPNOTE 4.3.16, 4.3.15 and 4.3.12.
_END: Final = b"PK\x05\x06"
_END_STRUCT: Final = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES: Final = 20
_DIRECTORY: Final = b"PK\x01\x02"


def find_appended_archive(source: ByteSource) -> int | None:
    """
    Return where the end record of a zip archive lies, or None where no reader would find one.

    A record counts when its central directory stands where a reader that tolerates bytes
    before the archive looks for it, or when a zip64 locator precedes it; chance bytes do not.
    """
    start = max(source.size - SNIFF_TAIL_BYTES, 0)
    tail = source.read_at(start, source.size - start)
    position = len(tail)
    while (position := tail.rfind(_END, 0, position)) >= 0:
        if position + _END_STRUCT.size <= len(tail) and _is_end(source, tail, position, start):
            return start + position
    return None


def _is_end(source: ByteSource, tail: bytes, position: int, start: int) -> bool:
    """Tell whether an archive ends with the record at *position* in *tail*."""
    locator = tail[max(position - _ZIP64_LOCATOR_BYTES, 0) : position]
    if locator.startswith(_ZIP64_LOCATOR):
        return True
    directory_size = _END_STRUCT.unpack_from(tail, position)[5]
    directory = start + position - directory_size
    return directory >= 0 and source.read_at(directory, len(_DIRECTORY)) == _DIRECTORY
