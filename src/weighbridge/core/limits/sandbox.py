"""Bounds of confined processes and recorded steps."""

from __future__ import annotations

from weighbridge.core.limits.units import MIB

# Not imported from `typing`: these are read at the start of every server behind walls.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAX_STEP_ORDER_BYTES: Final = 64 * MIB
"""A command, its environment and the places that it may use: Linux takes a quarter of the stack,
some megabytes, for the first two."""

MAX_STEP_REPORT_BYTES: Final = 256 * MIB
"""What the runner of a step says at its end: the paths of all observed files, at the most."""

MAX_OBSERVED_FILES: Final = 50_000
"""Different files of which a step may be seen to read that nobody declared; further ones are
counted as not seen."""

MAX_SYSTEM_PATH_BYTES: Final = 4096
"""PATH_MAX of Linux: a longer path is no path."""

MAX_STEP_GRACE_SECONDS: Final = 10
"""Seconds that a step gets to end when it is asked to, and its children when it has ended."""

MAX_ENDING_ROUNDS: Final = 1000
"""How often what a step left behind is looked for and ended; each round ends one generation."""

MAX_GROUP_ATTEMPTS: Final = 8
"""How often a control group is made anew that somebody has removed before it was taken."""

MAX_PACKAGES: Final = 20_000
"""Installed packages of an environment; large ones have some hundreds."""

MAX_PACKAGE_RECORD_BYTES: Final = 64 * MIB
"""The list of a package's files with their digests; the largest has some megabytes."""

MAX_GIT_OUTPUT_BYTES: Final = 256 * MIB
"""What git lists of a checkout; a million files take some ten megabytes."""

MAX_GIT_SECONDS: Final = 600
"""Seconds that one question to git may take; a large checkout on a cold disk takes minutes."""

MAX_NAMED_FILES: Final = 1000
"""Single files that a build's statement names one by one; the rest are counted."""

MAX_PARAMETERS: Final = 1000
"""Parameters of a step that a statement names; people give some ten."""

MAX_WORKER_START_SECONDS: Final = 20.0
"""Seconds in which a confined worker has to start; it takes a tenth of one."""

MAX_WAITING_CONNECTIONS: Final = 256
"""Calls on Unix sockets of a confined program that may wait at a time; further ones are refused."""
