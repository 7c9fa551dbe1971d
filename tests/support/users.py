"""As whom programs are run: as oneself, and as another user where that can be and can run them."""

import os
import pwd
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from typing import Any

from weighbridge.sandbox.walls.starting import PACKAGE

OTHER = "nobody"
SEARCHED = (os.fspath(PACKAGE.parent), sysconfig.get_path("purelib"))
"""Where another interpreter of the same version finds what this one runs with."""


def users(*modules: str) -> list[str | None]:
    """Return as whom programs that import *modules* can be run."""
    return [None] if python_of(OTHER, *modules) is None else [None, OTHER]


@cache
def python_of(user: str | None, *modules: str) -> str | None:
    """Return an interpreter that *user* can run *modules* with; None where there is none."""
    if user is None:
        return sys.executable
    if os.geteuid() != 0:
        return None
    needed = ("weighbridge.sandbox.walls.engines", *modules)
    code = f"import {', '.join(needed)}, sys; assert sys.version_info[:2] == {sys.version_info[:2]}"
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            tried = subprocess.run([python, "-c", code], **as_user(user), check=False)
        except (OSError, subprocess.SubprocessError):
            continue
        if tried.returncode == 0:
            return python
    return None


def as_user(user: str | None, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return how `subprocess.run` starts something as *user*, with nothing but what it needs."""
    environment = {
        "PYTHONPATH": os.pathsep.join(SEARCHED),
        "PATH": os.environ["PATH"],
        **(variables or {}),
    }
    common = {"env": environment, "capture_output": True, "text": True}
    if user is None:
        return common
    return {**common, "user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
