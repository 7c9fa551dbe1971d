"""
The order for servers whose own plugin does the guarding, and where such a plugin finds it.

A server starts processes by ways of its own, so what it is to enforce must not hang on a variable
alone: `weighbridge guard install --only vllm` puts an order for its plugin into the environment,
and nothing into other programs.
"""

import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.load.guard.children import ORDER_VARIABLE
from weighbridge.pipeline.guard.installed import REFERENCE_NAME
from weighbridge.pipeline.guard.order import Order, read_order, reference_to, render_order
from weighbridge.pipeline.output import write_all

SERVERS: Final = ("vllm",)
"""Servers with a plugin of ours."""


def install_for(server: str, order: Order, *, directory: Path) -> None:
    """
    Have the plugin for *server* in this environment enforce *order*.

    Args:
        server: One of `SERVERS`.
        order: What to enforce.
        directory: The environment's site-packages.

    Raises:
        UsageError: There is an order for it already, or a part of one.
        OperationError: The files cannot be written; none of them stays.
    """
    reference, place = files_for(server)
    if any(os.path.lexists(directory / name) for name in (reference, place)):
        raise UsageError(
            f"the guard is installed for {server} in this environment already",
            where=os.fspath(directory),
            hint="Say weighbridge guard remove first",
        )
    data = render_order(order)
    name = reference_to(data, directory / place) + "\n"
    write_all({directory / place: data, directory / reference: name.encode()})


def files_for(server: str) -> tuple[str, str]:
    """Return how the files are called that name the order for *server*, and hold it."""
    return f"weighbridge-{server}.order", f"weighbridge-{server}.json"


def find_installed(server: str, *, directory: Path) -> Order | None:
    """
    Return what was installed for the plugin for *server*, or None.

    Args:
        server: One of `SERVERS`.
        directory: The environment's site-packages.

    Raises:
        OperationError: It is not the one that was installed.
    """
    place = directory / files_for(server)[0]
    return read_order(place.read_text(encoding="utf-8").strip()) if place.exists() else None


def find_order(
    server: str, *, variables: Mapping[str, str], directory: Path | None = None
) -> Order:
    """
    Return what the plugin for *server* is to enforce in this process.

    1. What was installed for it. 2. The guard of the environment. 3. The guard that the program was
    started with (`weighbridge exec`).

    Args:
        server: One of `SERVERS`.
        variables: The environment.
        directory: Its site-packages; those of this interpreter by default.

    Raises:
        OperationError: There is none, or it is not the one that was given out.
    """
    place = directory or Path(sysconfig.get_path("purelib"))
    own = find_installed(server, directory=place)
    if own is not None:
        return own
    if (place / REFERENCE_NAME).exists():
        return read_order((place / REFERENCE_NAME).read_text(encoding="utf-8").strip())
    started = variables.get(ORDER_VARIABLE)
    if started:
        return read_order(started)
    raise OperationError(
        f"weighbridge is installed beside {server}, and its plugin has no policy: {server} loads "
        "nothing that nobody verified",
        code=Code.GUARD_DENIED,
        where=os.fspath(place),
        expected="a policy that was installed here, or the guard of weighbridge exec",
        found="neither",
        hint=(
            f"Begin one with `weighbridge policy init`, and say `weighbridge guard install --only "
            f"{server} --policy weighbridge.toml`, with --audit to see first what it would refuse. "
            f"To use {server} without, install weighbridge in another environment"
        ),
    )
