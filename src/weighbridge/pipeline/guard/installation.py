"""
Install the guard into an environment: every Python of it is guarded, whatever its variables say.

Files in its site-packages: a `.pth` whose line starts the guard, the `.start` file that takes its
place from Python 3.15 on (PEP 829), the order, and the name of the order. A `.pth` file whose line
fails lets the program go on, so this one catches everything and ends the process.
"""

import os
import sysconfig
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.values import frozen
from weighbridge.pipeline.guard.installed import REFERENCE_NAME, find_reference
from weighbridge.pipeline.guard.order import Order, read_order, reference_to, render_order
from weighbridge.pipeline.guard.servers import SERVERS, files_for
from weighbridge.pipeline.output import write_all

PTH_NAME: Final = "zz-weighbridge-guard.pth"
START_NAME: Final = "zz-weighbridge-guard.start"
ORDER_NAME: Final = "weighbridge-guard.json"

_FILES: Final = (PTH_NAME, START_NAME, REFERENCE_NAME, ORDER_NAME)
_START: Final = "weighbridge.pipeline.guard.installed:begin\n"
_PTH: Final = (
    'import os; exec("try:\\n from weighbridge.pipeline.guard.installed import begin\\n begin()\\n'
    "except BaseException as error:\\n os.write(2, b'weighbridge: the guard cannot start: '"
    " + repr(error).encode() + b'\\\\n')\\n os._exit(78)\")\n"
)


@frozen
class Installation:
    """
    The guard of an environment.

    Attributes:
        directory: Its site-packages.
        order: What is enforced.
    """

    directory: str
    order: Order


def site_packages() -> Path:
    """Return where the packages of this environment are."""
    return Path(sysconfig.get_path("purelib"))


def install(order: Order, *, directory: Path | None = None) -> Installation:
    """
    Have every Python of this environment guarded by *order*.

    Args:
        order: What to enforce.
        directory: Its site-packages; those of this interpreter by default.

    Raises:
        UsageError: The guard is installed there already, or a part of it.
        OperationError: The files cannot be written; none of them stays.
    """
    place = directory or site_packages()
    if _present(place):
        raise UsageError(
            "the guard, or a part of it, is installed in this environment already",
            where=os.fspath(place),
            hint="Say weighbridge guard remove first",
        )
    data = render_order(order)
    reference = reference_to(data, place / ORDER_NAME) + "\n"
    write_all(
        {
            place / ORDER_NAME: data,
            place / REFERENCE_NAME: reference.encode(),
            place / START_NAME: _START.encode(),
            place / PTH_NAME: _PTH.encode(),  # last: programs start with it from now on
        }
    )
    return Installation(directory=os.fspath(place), order=order)


def remove(*, directory: Path | None = None) -> tuple[str, ...]:
    """
    Remove the guard from this environment, and return the names of the files that were there.

    Orders for servers' plugins go as well.

    Raises:
        OperationError: A file cannot be removed.
    """
    place = directory or site_packages()
    removed: list[str] = []
    try:
        for name in (*_FILES, *(name for each in SERVERS for name in files_for(each))):
            if os.path.lexists(place / name):
                (place / name).unlink()
                removed.append(name)
    except OSError as error:
        raise OperationError(
            f"the guard cannot be removed: {error.strerror or error}", where=os.fspath(place)
        ) from error
    return tuple(removed)


def find_installation(*, directory: Path | None = None) -> Installation | None:
    """
    Return the guard of this environment, or None.

    Raises:
        OperationError: A part of it is missing, or the order is not the one that was installed.
    """
    place = directory or site_packages()
    present = _present(place)
    if not present:
        return None
    if len(present) < len(_FILES):
        missing = ", ".join(name for name in _FILES if name not in present)
        raise OperationError(
            "the guard of this environment is not whole",
            code=Code.GUARD_DENIED,
            where=os.fspath(place),
            found=f"no {missing}",
            hint="Say weighbridge guard remove, and install it again",
        )
    return Installation(
        directory=os.fspath(place), order=read_order(find_reference([os.fspath(place)]))
    )


def _present(place: Path) -> list[str]:
    """Return which names of an installation are taken in *place*, by links to nothing too."""
    return [name for name in _FILES if os.path.lexists(place / name)]
