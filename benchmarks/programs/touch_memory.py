"""
Touch BYTES of memory and give it back: `touch_memory.py BYTES`.

In a virtual machine the first touch of memory that nobody used for a while can be ten times as slow
as the next one; that is the host's business, and not what is measured.
"""

import mmap
import sys
from typing import Final

_PAGE_BYTES: Final = 4096


def main() -> None:
    """Touch every page."""
    size = int(sys.argv[1])
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        if size % (2 << 20) == 0:
            memory.madvise(mmap.MADV_HUGEPAGE)
        pages = -(-size // _PAGE_BYTES)
        memory[::_PAGE_BYTES] = b"x" * pages


if __name__ == "__main__":
    main()
