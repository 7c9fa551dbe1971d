"""
Install filters for system calls that were made elsewhere.

See https://docs.kernel.org/userspace-api/seccomp_filter.html and seccomp_unotify(2).
"""

from __future__ import annotations

import ctypes
import errno
from struct import Struct, pack

from weighbridge.sandbox import bpf, kernel

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_MODE_FILTER: Final = 2
_SET_FILTER: Final = 1
_ACTION_AVAILABLE: Final = 2
_SIZES: Final = 3
_NEW_LISTENER: Final = 1 << 3
_WAIT_KILLABLE: Final = 1 << 5
"""A notice is not taken back for a signal; a program with a timer would never get on."""

NOTICE: Final = Struct("=QIIiIQ6Q")
ANSWER: Final = Struct("=QqiI")


def install(code: bytes, /) -> None:
    """
    Have every later system call of this process and its children decided by the filter *code*.

    `PR_SET_NO_NEW_PRIVS` has to be set before. The strictest of several filters decides.

    Raises:
        OSError: The kernel refuses.
    """
    with_header = _header(code)
    kernel.prctl(kernel.PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(with_header[0]))


def listen(code: bytes, /) -> int:
    """
    Install the filter *code* in this process, and return the descriptor of its notices.

    `PR_SET_NO_NEW_PRIVS` has to be set before.

    Raises:
        OSError: The kernel cannot, or there is such a filter already.
    """
    call = kernel.require_number("seccomp")
    kernel.syscall(
        call, _ACTION_AVAILABLE, 0, ctypes.create_string_buffer(Struct("=I").pack(bpf.ASK))
    )
    sizes = ctypes.create_string_buffer(6)
    kernel.syscall(call, _SIZES, 0, sizes)
    if Struct("=HHH").unpack(sizes.raw)[:2] != (NOTICE.size, ANSWER.size):
        raise OSError(errno.ENOSYS, "the kernel's notices have another form")
    header = _header(code)
    try:
        return kernel.syscall(call, _SET_FILTER, _NEW_LISTENER | _WAIT_KILLABLE, header[0])
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return kernel.syscall(call, _SET_FILTER, _NEW_LISTENER, header[0])


def _header(code: bytes) -> tuple[ctypes.Array[ctypes.c_char], ...]:
    """Return what the kernel wants to be pointed to (`sock_fprog`), and what has to live on."""
    instructions = ctypes.create_string_buffer(code, len(code))
    fields = pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(instructions))
    return ctypes.create_string_buffer(fields, len(fields)), instructions
