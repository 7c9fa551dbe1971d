"""What a step runs in: the places it may use when it is isolated, and its environment there."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.pipeline.recording.environment import installations, system_places
from weighbridge.sandbox.places import OF_ITSELF, OF_THE_MACHINE
from weighbridge.sandbox.steps.interface import Isolation

_DEVICES: Final = (
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"),
    *("/dev/dri", "/dev/kfd", "/dev/nvidiactl", "/dev/nvidia-uvm"),
    *("/dev/nvidia-uvm-tools", "/dev/nvidia-caps"),
)
"""No new terminals: where these are, all others of the user are as well."""
_GRAPHICS: Final = "nvidia[0-9]*"
_PROCESSES: Final = "/proc"
"""Whoever reads all of it reads the command lines of all users, and whom they are connected to."""
_DRIVERS: Final = ("/proc/devices", "/proc/driver", "/proc/loadavg")
SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  where the system keeps it
_SECRET: Final = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|AUTH_SOCK|SIGSTORE",
    re.IGNORECASE,
)
_OWN: Final = "WEIGHBRIDGE_"
_OWN_DIRECTORIES: Final = ("HOME", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")


@frozen
class Surroundings:
    """
    Where a step runs.

    Attributes:
        installed: Real paths of the system's directories and of the program's installation.
        allowed: Real paths that the caller lets the step read besides.
    """

    installed: tuple[str, ...]
    allowed: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, program: str, environment: Mapping[str, str], *, allowed: Iterable[Path] = ()
    ) -> "Surroundings":
        """Find the surroundings of *program*."""
        places = (*system_places(), *installations(program, environment))
        return cls(
            installed=tuple(dict.fromkeys(places)),
            allowed=tuple(dict.fromkeys(os.path.realpath(place) for place in allowed)),
        )

    def isolation(
        self,
        *,
        program: str,
        declared: Iterable[str],
        listable: Iterable[str],
        output: Path,
        scratch: Path,
        ports: tuple[int, ...],
    ) -> Isolation:
        """Return what a step may use whose inputs and source are at *declared*."""
        devices = (*_DEVICES, *map(os.fspath, Path("/dev").glob(_GRAPHICS)))
        return Isolation(
            readable=tuple(
                dict.fromkeys(
                    (
                        *(place for place in self.installed if place != _PROCESSES),
                        *(*OF_THE_MACHINE, *OF_ITSELF, *_DRIVERS),
                        *(*self.allowed, os.path.realpath(program), *declared),
                    )
                )
            ),
            writable=(os.path.realpath(output), os.fspath(scratch), SHARED_MEMORY),
            devices=devices,
            listable=tuple(listable),
            ports=ports,
        )


def step_environment(environment: Mapping[str, str], /) -> dict[str, str]:
    """
    Return *environment* without this tool's own secrets.

    A password, PIN or token for the signature may be there because it was hidden from the list
    of processes. Programs write their environment into logs and into records of experiments.
    """
    return {
        name: value
        for name, value in environment.items()
        if not (name.startswith(_OWN) and (_SECRET.search(name) or name.endswith("PIN")))
    }


def isolated_environment(environment: Mapping[str, str], scratch: Path, /) -> dict[str, str]:
    """
    Return *environment* without what is named like a secret, and with a home of its own.

    A CI system hands its jobs what they sign with by the environment; a step has no use for it.
    """
    own = step_environment(environment)
    kept = {name: value for name, value in own.items() if not _SECRET.search(name)}
    return kept | dict.fromkeys(_OWN_DIRECTORIES, os.fspath(scratch))
