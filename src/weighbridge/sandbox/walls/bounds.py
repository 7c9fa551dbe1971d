"""Limits as the last step before the program takes them on: its own, and those of a group."""

from __future__ import annotations

import os
import resource

from weighbridge.sandbox.resources import NO_CORE, lower

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final

_JOIN: Final = b"0"
"""As in `groups.group`, which has more to import than this step should."""

_LIMITS: Final = {
    "memory_bytes": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "file_bytes": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "cpu_seconds": resource.RLIMIT_CPU,
}


def join(descriptors: Iterable[int], /) -> None:
    """
    Become a member of a group by writing to *descriptors*, which are closed.

    Raises:
        OSError: The system refuses.
    """
    for each in descriptors:
        os.write(each, _JOIN)
        os.close(each)


def limit(values: Mapping[str, int | None], /) -> None:
    """
    Take on the limits *values* for good, by their names in `Limits`; no memory is dumped.

    Raises:
        OSError: The system refuses, or does not count this user's processes.
    """
    for name, which in _LIMITS.items():
        value = values[name]
        if value is not None:
            lower(which, value)
    lower(resource.RLIMIT_CORE, NO_CORE)


def require_counted(values: Mapping[str, int | None], /) -> None:
    """
    See that a limit on processes holds for this one, by trying with none left.

    Capabilities have to be given up before: some exempt a process from it.

    Raises:
        OSError: It does not.
    """
    if values["processes"] is None:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, most))
    try:
        child: int | None = os.fork()
    except BlockingIOError:
        child = None  # it holds
    if child == 0:
        os._exit(0)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    if child is not None:
        os.waitpid(child, 0)
        raise OSError(0, "the processes of this user are not counted")
