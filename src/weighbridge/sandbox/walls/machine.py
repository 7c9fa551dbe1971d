"""
What the kernel lets this process do about walls, and what to do where it refuses.

The kernel is asked, and its release says nothing: containers, boot parameters, distributions take
away what it has. Nothing here changes the process that asks.
"""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.sandbox import kernel, landlock

LANDLOCK_NEEDED: Final = 3
"""The version that knows truncation, without which no program is run by any engine of ours."""

_FILTER: Final = 2
"""SECCOMP_MODE_FILTER."""

_RELEASES: Final = {1: "5.13", 2: "5.19", 3: "6.2", 4: "6.7", 5: "6.10", 6: "6.12"}
"""Version of Landlock to the release of Linux that has it."""

_BY_CONTAINER: Final = (
    "in a container: let its seccomp profile allow {calls} (docker run --security-opt seccomp=FILE)"
)


@frozen
class Problem:
    """
    What the kernel refuses.

    Attributes:
        reason: What was found.
        remedies: What to install or to set, each a command or a sentence.
    """

    reason: str
    remedies: tuple[str, ...] = ()


def landlock_version() -> int:
    """Return the version of Landlock that may be used here, 0 for none."""
    try:
        return landlock.version()
    except OSError:
        return 0


def landlock_problem(needed: int, /) -> Problem | None:
    """Return why Landlock of the version *needed* cannot be had; None where it can."""
    release = _RELEASES[needed]
    try:
        known = landlock.version()
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            remedy = (
                "boot the kernel with landlock in its parameter lsm= (see /sys/kernel/security/lsm)"
            )
            return Problem(reason="Landlock is not there: switched off", remedies=(remedy,))
        return Problem(
            reason=f"Landlock is not there: {error.strerror or error}",
            remedies=(
                f"use Linux {release} or newer with Landlock",
                _BY_CONTAINER.format(calls="landlock_create_ruleset and the other landlock calls"),
            ),
        )
    if known >= needed:
        return None
    return Problem(
        reason=f"Landlock {needed} is needed, and the kernel has {known}",
        remedies=(f"use Linux {release} or newer",),
    )


def filter_problem() -> Problem | None:
    """Return why system calls cannot be filtered; None where they can."""
    if kernel.machine() is None:
        return Problem(reason="the system calls of this architecture are not known")
    try:
        # Nowhere is no filter: a kernel that has them looks for it there first.
        kernel.prctl(kernel.PR_SET_SECCOMP, _FILTER, 0)
    except OSError as error:
        if error.errno == errno.EFAULT:
            return None
        return Problem(
            reason=f"system calls cannot be filtered: {error.strerror or error}",
            remedies=("use a kernel with CONFIG_SECCOMP_FILTER",),
        )
    return Problem(reason="system calls cannot be filtered: the kernel did not look at a filter")


def namespace_remedies() -> tuple[str, ...]:
    """Return what to set where no user namespace can be made, by what the system has set."""
    return (*_settings(), *_around()) or (
        "let this user make user namespaces, or use the engine direct",
    )


def _settings() -> Iterator[str]:
    if _setting("user/max_user_namespaces") == "0":
        yield "sysctl -w user.max_user_namespaces=15000"
    if os.geteuid() == 0:
        return
    if _setting("kernel/unprivileged_userns_clone") == "0":
        yield "sysctl -w kernel.unprivileged_userns_clone=1"
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        yield "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"


def _around() -> Iterator[str]:
    """Yield what to do where this process is filtered itself."""
    if _status("Seccomp") not in {None, "0"}:
        yield _BY_CONTAINER.format(calls="unshare, setns, mount, umount2, pivot_root and openat2")
        yield "in a service of systemd: leave out RestrictSUIDSGID, and DynamicUser with it"
        yield "use the engine direct, which needs no namespaces"


def _setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text("ascii").strip()
    except OSError:
        return None


def _status(name: str) -> str | None:
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((line.split()[1] for line in lines if line.startswith(f"{name}:")), None)
