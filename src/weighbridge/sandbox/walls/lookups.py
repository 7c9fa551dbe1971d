"""
In which directories a path is looked up: who may change one of them decides where the path leads.

A link may be anywhere in a path, and what it leads to may have further ones. Imports next to
nothing: it is asked again before a run is repeated.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_LINKS = 40
"""As many as the kernel follows."""


def directories(path: str, /) -> "list[str] | None":
    """
    Return the real directories that *path* is looked up in, part by part as the kernel does.

    What is not there, or may not be looked at, counts as what is no link.

    Returns:
        None for more links than the kernel follows.
    """
    at, links = "/", 0
    found: list[str] = []
    waiting = os.path.join(os.getcwd(), path).split("/")[::-1]  # noqa: PTH109, PTH118  see above
    while waiting:
        part = waiting.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            at = os.path.dirname(at)  # noqa: PTH120  see above
            continue
        if at not in found:
            found.append(at)
        here = os.path.join(at, part)  # noqa: PTH118  see above
        try:
            target = os.readlink(here)  # noqa: PTH115  see above
        except OSError:
            at = here
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        if target.startswith("/"):
            at = "/"
        waiting += target.split("/")[::-1]
    return found


def leads_through(path: "str | os.PathLike[str]", places: "Sequence[str]", /) -> bool:
    """
    Tell whether *path* lies below one of *places*, or leads through one by a link anywhere in it.

    Both ways to read `..` count: as a part of its own, and taken away with what is before it.

    Args:
        path: Relative to the current directory, or absolute.
        places: Real paths.
    """
    text = os.fspath(path)
    for each in {text, os.path.abspath(text)}:  # noqa: PTH100  see above
        found = directories(each)
        if found is None or any(is_within(at, place) for at in found for place in places):
            return True
    return False


def is_within(path: str, place: str, /) -> bool:
    """Tell whether the real path *path* is *place* or below it."""
    return path == place or path.startswith(place.rstrip("/") + "/")
