"""
Run a command on memory that the machine has: `with_memory.py BYTES PROGRAM ARGUMENT...`.

In a virtual machine the first touch of memory that nobody used for a while can be ten times as slow
as the next one; that is the host's business, and not what is measured. Memory that was touched and
given back may be the host's again within two seconds, so it is given back bit by bit, as the
command takes it: what is free at any time is not worth reporting.

Ends with the command's exit code.
"""

import mmap
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = mmap.PAGESIZE
_CHUNK_BYTES: Final = 64 << 20
_AHEAD_BYTES: Final = 6 * _CHUNK_BYTES
"""Free at any time, beyond what the command has taken: more than it takes between two looks."""

_LOOK_SECONDS: Final = 0.01


def main() -> int:
    """Touch memory, run the command, and give it what it takes."""
    chunks = -(-int(sys.argv[1]) // _CHUNK_BYTES)
    memory = mmap.mmap(-1, chunks * _CHUNK_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    memory[::_PAGE_BYTES] = b"x" * (len(memory) // _PAGE_BYTES)
    with subprocess.Popen(sys.argv[2:]) as process:
        given = 0
        while given < len(memory) and process.poll() is None:
            wanted = _taken(process.pid) + _AHEAD_BYTES
            while given < min(wanted, len(memory)):
                memory.madvise(mmap.MADV_DONTNEED, given, _CHUNK_BYTES)
                given += _CHUNK_BYTES
            time.sleep(_LOOK_SECONDS)
        return process.wait()


def _taken(process: int) -> int:
    """Return the bytes of anonymous memory that *process* has; none where it has ended."""
    fields = Path(f"/proc/{process}/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * _PAGE_BYTES


if __name__ == "__main__":
    sys.exit(main())
