"""Files of the kernel's by which groups are looked at and changed, each in a single call."""

from __future__ import annotations

import os

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MEMBERS: Final = "cgroup.procs"
SHARED_OUT: Final = "cgroup.subtree_control"


def read_text(path: str) -> str:
    """
    Return what is in a file of the kernel's.

    Raises:
        OSError: It is not there.
    """
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  pathlib takes too long
        return file.read()


def write_text(path: str, text: str) -> None:
    """
    Write in one call, as the kernel wants it, and make nothing.

    Raises:
        OSError: It is not there, or the kernel refuses.
    """
    opened = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(opened, text.encode("ascii"))
    finally:
        os.close(opened)


def members(directory: str) -> list[int]:
    """Return the processes of a group that this process can see."""
    try:
        found = read_text(f"{directory}/{MEMBERS}").split()
    except OSError:
        return []
    return [int(each) for each in found if each != "0"]
