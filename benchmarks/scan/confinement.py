"""
Lets a process write below one directory only (Landlock), and use bounded resources.

For children that run what a hostile file asks for; standard library only, Linux only.
"""

import ctypes
import os
import resource
import struct
from pathlib import Path
from typing import Final

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_BENEATH: Final = 1
_NO_NEW_PRIVILEGES: Final = 38
_WRITING: Final = 0b1111111111110010
"""Every right of Landlock's second version but to execute, to read files and directories."""
_ONLY_WRITING: Final = _WRITING & ~0b1100


def confine(directory: Path, *, seconds: int, memory: int, file_bytes: int) -> bool:
    """Confine this process to writing below *directory*; say whether the kernel took part."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return _write_only_below(directory, Path(os.devnull))


def _write_only_below(*places: Path) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = ctypes.create_string_buffer(struct.pack("<Q", _ONLY_WRITING))
    ruleset = libc.syscall(_CREATE_RULESET, attributes, 8, 0)
    if ruleset < 0:
        return False
    for place in places:
        handle = os.open(place, os.O_PATH)
        rights = _ONLY_WRITING if place.is_dir() else 0b10
        rule = ctypes.create_string_buffer(struct.pack("<Qi", rights, handle))
        if libc.syscall(_ADD_RULE, ruleset, _BENEATH, rule, 0):
            return False
        os.close(handle)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    done = bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    os.close(ruleset)
    return done
