"""
Install filters for system calls; which ones there are, `filters` says.

See https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

from weighbridge.sandbox import filters, kernel
from weighbridge.sandbox.install import install

__all__ = ["install", "is_available", "restrict"]


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
