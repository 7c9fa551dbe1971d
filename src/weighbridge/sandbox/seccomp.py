"""
A list of the system calls that a parser needs; the kernel refuses all others.

Calls are listed by number for the two architectures that are known. What is not listed fails
with EPERM, so that an interpreter which tries something optional goes on without it. `openat`
passes for reading only, `mmap` and `mprotect` never make memory executable that is not a file's.
See https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

import ctypes
from collections.abc import Mapping
from struct import pack
from typing import Final

from weighbridge.sandbox import bpf, kernel

_MODE_FILTER: Final = 2

_CALLS: Final[Mapping[str, tuple[int | None, int | None]]] = {
    "access": (21, None),
    "brk": (12, 214),
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "close": (3, 57),
    "dup": (32, 23),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "faccessat": (269, 48),
    "fcntl": (72, 25),
    "fstat": (5, 80),
    "futex": (202, 98),
    "getcwd": (79, 17),
    "getdents64": (217, 61),
    "getegid": (108, 177),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "getuid": (102, 174),
    "lseek": (8, 62),
    "lstat": (6, None),
    "madvise": (28, 233),
    "membarrier": (324, 283),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "nanosleep": (35, 101),
    "newfstatat": (262, 79),
    "poll": (7, None),
    "ppoll": (271, 73),
    "pread64": (17, 67),
    "read": (0, 63),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "readv": (19, 65),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "set_robust_list": (273, 99),
    "sigaltstack": (131, 132),
    "stat": (4, None),
    "statx": (332, 291),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "write": (1, 64),
    "writev": (20, 66),
}
"""Name to its number on x86_64 and on aarch64 (`asm/unistd_64.h`, `asm-generic/unistd.h`)."""

_OPENAT: Final = (257, 56)
_MMAP: Final = (9, 222)
_MPROTECT: Final = (10, 226)

_OPEN_FOR_MORE: Final = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND; `O_TMPFILE` needs one of the first two."""

_PROT_EXEC: Final = 4
_MAP_ANONYMOUS: Final = 0x20


def is_available() -> bool:
    """Tell whether the kernel has filters for system calls, and this architecture is known."""
    try:
        kernel.prctl(kernel.PR_GET_SECCOMP)
    except OSError:
        return False
    return kernel.machine() is not None


def restrict() -> None:
    """
    Give up every system call that is not listed.

    `PR_SET_NO_NEW_PRIVS` has to be set before.

    Raises:
        OSError: The kernel refuses, or the architecture is not known.
    """
    name = kernel.machine()
    if name is None:
        raise OSError(0, "the system calls of this architecture are not known")
    install(program(name))


def install(code: bytes) -> None:
    """
    Have every later system call of this process and its children decided by the filter *code*.

    `PR_SET_NO_NEW_PRIVS` has to be set before. The strictest of several filters decides.

    Raises:
        OSError: The kernel refuses.
    """
    with_header = header(code)
    kernel.prctl(kernel.PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(with_header[0]))


def header(code: bytes) -> "tuple[ctypes.Array[ctypes.c_char], ...]":
    """Return what the kernel wants to be pointed to (`sock_fprog`), and what has to live on."""
    instructions = ctypes.create_string_buffer(code, len(code))
    fields = pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(instructions))
    return ctypes.create_string_buffer(fields, len(fields)), instructions


def program(architecture: str) -> bytes:
    """Return the filter for *architecture* as instructions of eight bytes."""
    column = list(bpf.AUDIT_ARCH).index(architecture)
    numbers = [pair[column] for pair in _CALLS.values()]
    listed = sorted(number for number in numbers if number is not None)
    lines = [
        bpf.line(bpf.LOAD, bpf.ARCH),
        bpf.line(bpf.EQUAL, bpf.AUDIT_ARCH[architecture], then=1),
        bpf.line(bpf.RETURN, bpf.KILL),
        bpf.line(bpf.LOAD, bpf.NUMBER),
        bpf.line(bpf.GREATER, bpf.X32_BIT, other=1),
        bpf.line(bpf.RETURN, bpf.REFUSE),
        *_unless(_OPENAT[column], argument=2, mask=_OPEN_FOR_MORE),
        *_unless(_MPROTECT[column], argument=2, mask=_PROT_EXEC),
        *_unless_both(_MMAP[column], (2, _PROT_EXEC), (3, _MAP_ANONYMOUS)),
    ]
    for number in listed:
        lines += [bpf.line(bpf.EQUAL, number, other=1), bpf.line(bpf.RETURN, bpf.ALLOW)]
    return b"".join([*lines, bpf.line(bpf.RETURN, bpf.REFUSE)])


def _unless(number: int, *, argument: int, mask: int) -> list[bytes]:
    """Allow the call *number* unless its *argument* has a bit of *mask*."""
    return [
        bpf.line(bpf.EQUAL, number, other=4),
        bpf.argument(argument),
        bpf.line(bpf.SET, mask, then=1),
        bpf.line(bpf.RETURN, bpf.ALLOW),
        bpf.line(bpf.RETURN, bpf.REFUSE),
    ]


def _unless_both(number: int, first: tuple[int, int], second: tuple[int, int]) -> list[bytes]:
    """Allow the call *number* unless each of two arguments has a bit of its mask."""
    return [
        bpf.line(bpf.EQUAL, number, other=6),
        bpf.argument(first[0]),
        bpf.line(bpf.SET, first[1], other=2),
        bpf.argument(second[0]),
        bpf.line(bpf.SET, second[1], then=1),
        bpf.line(bpf.RETURN, bpf.ALLOW),
        bpf.line(bpf.RETURN, bpf.REFUSE),
    ]
