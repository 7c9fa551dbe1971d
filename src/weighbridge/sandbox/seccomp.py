"""
Install filters for system calls; which ones there are, `filters` says.

See https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

import ctypes
from struct import pack
from typing import Final

from weighbridge.sandbox import filters, kernel

_MODE_FILTER: Final = 2


def is_available() -> bool:
    """Tell whether the kernel has filters for system calls, and this architecture is known."""
    try:
        kernel.prctl(kernel.PR_GET_SECCOMP)
    except OSError:
        return False
    return kernel.machine() is not None


def restrict() -> None:
    """
    Give up every system call but those of a parser.

    `PR_SET_NO_NEW_PRIVS` has to be set before.

    Raises:
        OSError: The kernel refuses, or the architecture is not known.
    """
    name = kernel.machine()
    if name is None:
        raise OSError(0, "the system calls of this architecture are not known")
    install(filters.parsing(name))


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
