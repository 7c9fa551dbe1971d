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

REFERENCE_NAME = "weighbridge-guard.order"
"""The file in site-packages that names the order: its digest, a colon, and its path."""


def begin() -> None:
    """Install the watch by the order of this environment; whatever goes wrong ends the process."""
    hook = _load_hook()
    try:
        hook.start(find_reference(sys.path), directory="")
    except BaseException as error:  # noqa: BLE001  a program that is to be guarded runs guarded or not at all
        hook.stop(error)


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
    from _frozen_importlib_external import SourceFileLoader  # noqa: PLC0415  what is loaded anyway

    here = os.path.dirname(os.path.abspath(__file__))
    name = "weighbridge_start"
    return SourceFileLoader(name, os.path.join(here, "start", "sitecustomize.py")).load_module(name)
