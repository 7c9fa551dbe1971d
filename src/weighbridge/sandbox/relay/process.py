"""What the relays' processes have in common: how they begin, and what they give up."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enumerations
import os
import resource
import sys
from contextlib import suppress

from weighbridge.sandbox import kernel
from weighbridge.sandbox.relay import READY
from weighbridge.sandbox.relay.carrying import MOST_CONNECTIONS

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_SPARE_DESCRIPTORS: Final = 160
"""Listeners, and what resolving takes."""
_IGNORED: Final = (_signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM, _signal.SIGHUP)


def main(name: str, arguments: Sequence[str]) -> None:
    """Be the relay *name*; what keeps it from that is said, and ends it."""
    module = f"weighbridge.sandbox.relay.{name}"
    __import__(module)
    try:
        sys.modules[module].main(arguments)
    except OSError as error:
        sys.stderr.write(f"weighbridge: {error.strerror or error}\n")
        sys.exit(1)


def begin(parent: int) -> None:
    """
    End with *parent* and not before it: a server that is asked to end may have answers to finish.

    Raises:
        OSError: It has ended already.
    """
    kernel.prctl(kernel.PR_SET_PDEATHSIG, _signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError(0, "the process that started it has ended")
    for number in _IGNORED:
        _signal.signal(number, _signal.SIG_IGN)


def room() -> int:
    """Return how many connections may be carried, after taking all descriptors that there are."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS + _SPARE_DESCRIPTORS
    most = wanted if most == resource.RLIM_INFINITY else min(most, wanted)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return max(1, (most - _SPARE_DESCRIPTORS) // 2)


def told() -> int:
    """Return the process that the input names; end where there is none."""
    line = sys.stdin.readline()
    if not line.strip().isdigit():
        sys.exit(1)
    return int(line)


def give_up_rights() -> None:
    """
    Give up every capability: what is left to do takes none.

    Raises:
        OSError: The kernel refuses.
    """
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()


def tell_ready() -> None:
    """Say that connections are carried from now on."""
    os.write(1, READY)
