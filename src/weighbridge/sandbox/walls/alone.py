"""
Give up what a program that hands back one result never needs: writing, other programs, processes.

On top of the walls that an engine has put up, and by the program itself before it reads anything.
With one process, and no memory but its own, the limit on its address space limits all of it.
"""

import resource
from typing import Final

from weighbridge.sandbox import filters, kernel, landlock, seccomp

_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def stay_alone(readable: tuple[str, ...], /, *, memory_bytes: int) -> None:
    """
    Keep this process to reading below *readable*, to itself, and to its threads, for good.

    Its address space is limited to *memory_bytes*, or to less where it was already.

    `PR_SET_NO_NEW_PRIVS` has to be set, as behind walls it is.

    Raises:
        OSError: The kernel refuses.
    """
    machine = kernel.machine()
    if machine is None:
        raise OSError(0, "the system calls of this architecture are not known")
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    memory = memory_bytes if most == resource.RLIM_INFINITY else min(memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    landlock.restrict_step(readable=readable, writable=(), devices=_DEVICES)
    seccomp.install(refusing_processes(machine))


def refusing_processes(architecture: str, /) -> bytes:
    """Return the filter; it ends calls of other architectures."""
    return filters.staying_alone(architecture)
