"""Instructions of the kernel's filter language for system calls (classic BPF)."""

from __future__ import annotations

from struct import pack

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050001
"""SECCOMP_RET_ERRNO with EPERM."""
UNKNOWN: Final = 0x00050026
"""SECCOMP_RET_ERRNO with ENOSYS: programs take it for an older kernel, and do without."""
ASK: Final = 0x7FC00000
"""SECCOMP_RET_USER_NOTIF: another process is told, and answers."""
KILL: Final = 0x80000000

AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT: Final = 0x40000000
NUMBER: Final = 0
ARCH: Final = 4
ARGUMENTS: Final = 16

LOAD: Final = 0x20
AND: Final = 0x54
EQUAL: Final = 0x15
SET: Final = 0x45
GREATER: Final = 0x35
RETURN: Final = 0x06


def line(code: int, value: int, *, then: int = 0, other: int = 0) -> bytes:
    """Return one instruction; *then* and *other* are the lines that a comparison skips."""
    return pack("=HBBI", code, then, other, value)


def argument(index: int) -> bytes:
    """Load the lower half of an argument; both known architectures are little-endian."""
    return line(LOAD, ARGUMENTS + 8 * index)


def result(value: int) -> bytes:
    """End with *value*."""
    return line(RETURN, value)


def when(number: int | None, *then: bytes) -> bytes:
    """Do *then*, which has to end, if the call has this number; nothing for None."""
    if number is None:
        return b""
    return line(EQUAL, number, other=len(b"".join(then)) // 8) + b"".join(then)
