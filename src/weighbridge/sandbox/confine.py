"""Confine this process for good: every measure that the system provides, in an order that works."""

import contextlib
import os
import resource
import signal
from collections.abc import Callable

from weighbridge.sandbox import kernel, landlock, seccomp
from weighbridge.sandbox.interface import Allowance, Confinement, Measure
from weighbridge.sandbox.resources import lower


def confine(allowance: Allowance, *, parent: int) -> Confinement:
    """
    Keep this process to *allowance* from now on, and say which measures hold.

    Nothing here raises for a measure that the system refuses. Everything that needs a file or
    a system call outside of the list has to be done before.

    Args:
        allowance: What it may use.
        parent: The process that started it; if that has ended meanwhile, this one ends too.
    """
    enforced: set[Measure] = set()
    refused: list[tuple[Measure, str]] = []

    def attempt(measure: Measure, action: Callable[[], None]) -> None:
        try:
            action()
        except (OSError, ValueError) as error:
            refused.append((measure, str(error)))
        else:
            enforced.add(measure)

    def files() -> None:
        landlock.restrict(allowance.readable)

    attempt(Measure.ORPHANS, lambda: _die_with(parent))
    attempt(Measure.DUMPS, _forbid_dumps)
    attempt(Measure.PROCESSES, lambda: lower(resource.RLIMIT_NPROC, 0))
    attempt(Measure.WRITING, lambda: lower(resource.RLIMIT_FSIZE, allowance.file_bytes))
    attempt(Measure.CPU, lambda: lower(resource.RLIMIT_CPU, allowance.cpu_seconds))
    attempt(Measure.MEMORY, lambda: lower(resource.RLIMIT_AS, allowance.memory_bytes))
    with contextlib.suppress(OSError, ValueError):
        lower(resource.RLIMIT_NOFILE, allowance.open_files)
    attempt(Measure.PRIVILEGES, _drop_privileges)
    attempt(Measure.FILES, files)
    attempt(Measure.CALLS, seccomp.restrict)
    return Confinement(enforced=frozenset(enforced), refused=tuple(refused))


def _die_with(parent: int) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _forbid_dumps() -> None:
    lower(resource.RLIMIT_CORE, 0)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def _drop_privileges() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()
