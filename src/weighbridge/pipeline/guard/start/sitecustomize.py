"""
The start-up hook: Python imports this file by its name before it runs the program.

It finds the order, installs the watch and steps aside. Whatever goes wrong ends the process: a
program that was to be guarded does not run without. Nothing of the package is imported for it, so
that the start-up of Python stays what it was; the watch is loaded by its path.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXIT_CODE = 78
"""EX_CONFIG of sysexits.h."""

ORDER_VARIABLE = "WEIGHBRIDGE_GUARD"
WATCH = "weighbridge.load.guard.watch"
NAMES = "weighbridge.load.guard.names"
"""What the watch stands on."""


def start(order: str, *, directory: str) -> None:
    """Install the watch by the order *order*; *directory* is where children find this hook."""
    from _frozen_importlib_external import PathFinder  # noqa: PLC0415  what is loaded anyway

    if WATCH in sys.modules:
        return  # the environment has a guard of its own, which counts
    bases = find_bases(check(order))
    if PathFinder.find_spec("weighbridge") is None:
        raise RuntimeError(f"{sys.executable} has no weighbridge; run: pip install weighbridge")
    load(NAMES)
    watch = load(WATCH)
    watch.state.bases = bases
    watch.state.provider = ("weighbridge.pipeline.guard.activation", (order, directory))
    watch.install()


def load(name: str) -> Any:
    """Load the module *name* of the guard by its path, and nothing above it."""
    from _frozen_importlib import module_from_spec  # noqa: PLC0415  what is loaded anyway
    from _frozen_importlib_external import (  # noqa: PLC0415  likewise
        SourceFileLoader,
        spec_from_file_location,
    )

    here = os.path.dirname(os.path.abspath(__file__))
    package = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    place = os.path.join(package, "load", "guard", name.rpartition(".")[2] + ".py")
    loader = SourceFileLoader(name, place)
    spec = spec_from_file_location(name, place, loader=loader)
    assert spec is not None
    module = sys.modules[name] = module_from_spec(spec)
    loader.exec_module(module)
    return module


def find_bases(order: bytes) -> tuple[str, ...]:
    """Return where rules name directories; quotes within other values of *order* are escaped."""
    _, found, rest = order.rpartition(b'"bases": "')
    if not found:
        raise RuntimeError("the order does not say where rules name directories")
    text = os.fsdecode(bytes.fromhex(rest.partition(b'"')[0].decode()))
    return tuple(text.split("\0")) if text else ()


def check(order: str) -> bytes:
    """Return the file that *order* names; raise unless it is there and has the named digest."""
    # hashlib would cost milliseconds.
    try:
        from _sha2 import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415  3.12
            sha256,
        )
    except ImportError:
        try:
            from _sha256 import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415  3.11
                sha256,
            )
        except ImportError:
            from hashlib import sha256  # noqa: PLC0415  built without
    digest, _, path = order.partition(":")
    with open(path, "rb") as file:
        data = file.read()
    if sha256(data).hexdigest() != digest:
        raise RuntimeError(f"{path} is not the order that was given out")
    return data


def stop(error: BaseException) -> None:
    """End the process, and say why."""
    message = (
        "weighbridge: the guard cannot start, so nothing does: "
        f"{type(error).__name__}: {error}. Start it again by weighbridge exec [guard-denied]\n"
    )
    os.write(2, message.encode("utf-8", "backslashreplace"))
    os._exit(EXIT_CODE)


def step_aside(directory: str) -> None:
    """Let the program have the path and the sitecustomize that it would have without this one."""
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != directory]
    from _frozen_importlib import module_from_spec  # noqa: PLC0415  what is loaded anyway
    from _frozen_importlib_external import PathFinder  # noqa: PLC0415  likewise

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    _directory = os.path.dirname(os.path.abspath(__file__))
    try:
        start(os.environ[ORDER_VARIABLE], directory=_directory)
    except BaseException as _error:  # noqa: BLE001  a program that is to be guarded runs guarded or not at all
        stop(_error)
    step_aside(_directory)
