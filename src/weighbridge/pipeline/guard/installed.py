"""
The start of an environment in which the guard is installed; called by its `.pth` or `.start` file.

It imports next to nothing: every Python of the environment runs it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXIT_CODE = 78
"""EX_CONFIG of sysexits.h, as that of the start-up hook."""

REFERENCE_NAME = "weighbridge-guard.order"
"""The file in site-packages that names the order: its digest, a colon, and its path."""


def begin() -> None:
    """Install the watch by the order of this environment; whatever goes wrong ends the process."""
    try:
        import site  # noqa: PLC0415  what is loaded anyway

        # Not `sys.path`: a variable may have another environment's directory in front.
        # A virtual environment is not among the prefixes yet.
        places = site.getsitepackages([sys.prefix, *site.PREFIXES])
        _load_hook().start(find_reference(places), directory="")
    except BaseException as error:  # noqa: BLE001  a program that is to be guarded runs guarded or not at all
        message = (
            "weighbridge: the guard cannot start, so nothing of this environment does: "
            f"{type(error).__name__}: {error}. Delete zz-weighbridge-guard.pth and "
            "zz-weighbridge-guard.start in its site-packages, and say weighbridge guard remove "
            "and install again [guard-denied]\n"
        )
        os.write(2, message.encode("utf-8", "backslashreplace"))
        os._exit(EXIT_CODE)


def find_reference(directories: list[str]) -> str:
    """Return what names the order in the first of *directories* that has one."""
    for directory in directories:
        path = os.path.join(directory, REFERENCE_NAME)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.read().strip()
    raise RuntimeError(f"no {REFERENCE_NAME} in any directory of packages")


def _load_hook() -> Any:
    """Return the start-up hook, which is no part of any package, as a module."""
    from _frozen_importlib import module_from_spec  # noqa: PLC0415  what is loaded anyway
    from _frozen_importlib_external import spec_from_file_location  # noqa: PLC0415  likewise

    here = os.path.dirname(os.path.abspath(__file__))
    place = os.path.join(here, "start", "sitecustomize.py")
    spec = spec_from_file_location("weighbridge_start", place)
    assert spec is not None
    assert spec.loader is not None
    hook = module_from_spec(spec)
    spec.loader.exec_module(hook)
    return hook
