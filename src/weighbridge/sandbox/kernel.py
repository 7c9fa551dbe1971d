"""System calls that Python has no function for, by way of the C library."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from struct import Struct

from weighbridge.sandbox import bpf
from weighbridge.sandbox.numbers import number

# Not imported from `typing`, here and in what else is run right before a program behind walls: with
# what that imports it takes as long as all of them, at the start of every server.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_GET_SECCOMP: Final = 21
PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38

_DROP_BOUND: Final = 24
"""PR_CAPBSET_DROP."""
_LAST_CAPABILITY: Final = 63
_CAPABILITY_WORDS: Final = Struct("=6I")
"""Effective, permitted and inheritable capabilities: first those below 32, then the others."""
_CAPABILITY_VERSION: Final = 0x20080522


def machine() -> str | None:
    """Return the architecture whose system calls are known here, or None."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    name = os.uname().machine
    return name if name in bpf.AUDIT_ARCH else None


_loaded: list[ctypes.CDLL] = []


def _library() -> ctypes.CDLL:
    if not _loaded:
        _loaded.append(ctypes.CDLL(None, use_errno=True))
    return _loaded[0]


def prctl(option: int, *arguments: int) -> int:
    """
    Call `prctl(2)`.

    Raises:
        OSError: The kernel refuses.
    """
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return _checked(_library().prctl(ctypes.c_int(option), *values))


def syscall(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """
    Call `syscall(2)`.

    Raises:
        OSError: The kernel refuses.
    """
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(_library().syscall(ctypes.c_long(number), *values))


def require_number(call: str, /) -> int:
    """
    Return the number of a system call here.

    Raises:
        OSError: This architecture is not known, or does not have it.
    """
    name = machine()
    found = None if name is None else number(call, name)
    if found is None:
        raise OSError(errno.ENOSYS, "the system calls of this architecture are not known")
    return found


def drop_capabilities() -> None:
    """
    Give up every capability for good, those of root included.

    Raises:
        OSError: The kernel refuses, or the architecture is not known.
    """
    keep_capabilities(frozenset())


def keep_capabilities(kept: frozenset[int]) -> None:
    """
    Give up every capability for good but those of *kept* that there are; they are numbers.

    Programs that root runs from now on get no others back either.

    Raises:
        OSError: The kernel refuses, or the architecture is not known.
    """
    # Looked up first: on an architecture that is not known nothing is given up by halves.
    take, give = require_number("capget"), require_number("capset")
    for lost in set(range(_LAST_CAPABILITY + 1)) - kept:
        try:
            prctl(_DROP_BOUND, lost)
        except OSError:
            continue  # the kernel does not know it, or the process has none to give up
    version = _CAPABILITY_VERSION.to_bytes(4, sys.byteorder)
    header = ctypes.create_string_buffer(version + bytes(4), 8)
    words = ctypes.create_string_buffer(_CAPABILITY_WORDS.size)
    if kept:
        syscall(take, header, words)
        mask = sum(1 << number for number in kept)
        _, low, _, _, high, _ = _CAPABILITY_WORDS.unpack(words.raw)
        low, high = low & mask & 0xFFFFFFFF, high & mask >> 32
        words.raw = _CAPABILITY_WORDS.pack(low, low, 0, high, high, 0)
    syscall(give, header, words)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
