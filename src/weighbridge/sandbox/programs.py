"""Which program a command names."""

import os
import shutil
from collections.abc import Mapping

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError


def candidates(name: str, path: str, /) -> tuple[str, ...]:
    """Return the places at which *name* is looked for on *path*, there or not."""
    return tuple(os.path.join(place, name) for place in path.split(os.pathsep))  # noqa: PTH118  as a shell does


def find_program(name: str, environment: Mapping[str, str], /) -> str:
    """
    Return the absolute path of the program that a shell would run for *name*.

    Raises:
        UsageError: There is none, or it is nothing that may be executed.
    """
    found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is not None:
        return os.path.abspath(found)  # noqa: PTH100  links are not followed: their name is its own
    if os.path.dirname(name) and os.path.exists(name):  # noqa: PTH110, PTH120  a name, not a place
        raise UsageError(
            "this is no program that can be run",
            where=name,
            expected="a file that you may execute",
            found="a directory" if os.path.isdir(name) else "a file that you may not",  # noqa: PTH112
        )
    raise UsageError(
        "there is no such program",
        code=Code.REFERENCE_NOT_FOUND,
        where=name or "''",
        hint="Give the program's path after --",
    )
