"""Steps of builds for tests: run as they are, or kept to two directories."""

import os
import sys
from pathlib import Path
from typing import Any

from weighbridge.sandbox.programs import find_program
from weighbridge.sandbox.steps.interface import Isolation, StepOrder, StepReport
from weighbridge.sandbox.steps.launch import run_step

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys", "/dev")


def run(*command: str, **order: Any) -> StepReport:
    """Run *command* as a step."""
    return run_step(
        StepOrder(
            program=find_program(command[0], os.environ),
            command=command,
            environment=tuple(os.environ.items()),
            expected=tuple(os.path.realpath(each) for each in SYSTEM),
            grace_seconds=order.pop("grace_seconds", 0),
            **order,
        )
    )


def shell(text: str, **order: Any) -> StepReport:
    """Run *text* as a step."""
    return run("sh", "-c", text, **order)


def isolation(place: Path, **more: Any) -> Isolation:
    """Return what keeps a step to `in` and `out` below *place*."""
    for name in ("in", "out"):
        (place / name).mkdir(exist_ok=True)
    return Isolation(
        readable=(
            *SYSTEM[:-1],
            f"{place}/in",
            os.fspath(Path(sys.base_prefix).resolve()),
            f"{sys.prefix}/pyvenv.cfg",
            *sys.path,
        ),
        writable=(f"{place}/out",),
        devices=("/dev/null", "/dev/urandom"),
        **more,
    )
