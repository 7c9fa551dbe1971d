"""Names of archive members: which of them mean something else to another reader."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from weighbridge.core.values import frozen

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")


def find_name_fault(name: str) -> str:
    """Return why *name* must not be used as a path; empty where nothing speaks against it."""
    if not name:
        return "the name is empty"
    if _CONTROL.search(name):
        return "the name has a control character, at which some readers end it"
    if "\\" in name:
        return "the name has a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "the name is absolute"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "the name leads out of the archive"
    if "" in parts or "." in parts:
        return "the name is not canonical"
    return ""


@frozen
class Collision:
    """
    A name that an archive has twice, to every reader or to some.

    Attributes:
        index: Position of the later member.
        other: The earlier name, where it is another one; None where they are equal.
    """

    index: int
    other: str | None


def find_collisions(names: Iterable[str]) -> Iterator[Collision]:
    """Yield the names that occur twice, or twice to a reader who ignores case and form."""
    exact: set[str] = set()
    folded: dict[str, str] = {}
    for index, name in enumerate(names):
        if name in exact:
            yield Collision(index=index, other=None)
            continue
        exact.add(name)
        key = name if name.isascii() else unicodedata.normalize("NFKC", name)
        other = folded.setdefault(key.casefold().rstrip("/"), name)
        if other != name:
            yield Collision(index=index, other=other)
