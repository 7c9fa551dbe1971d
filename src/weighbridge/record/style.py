"""How output for people looks: colours as a value, and untrusted text made harmless."""

from collections.abc import Iterable, Iterator
from typing import Final

from weighbridge.core.limits.records import MAX_TEXT_ITEMS
from weighbridge.core.values import frozen

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024


@frozen
class Style:
    """
    Escape sequences by meaning; all empty for output without colour.

    Whether a terminal wants colour is for the front end to find out.
    """

    good: str = ""
    bad: str = ""
    unclear: str = ""
    strong: str = ""
    faint: str = ""
    reset: str = ""

    def paint(self, text: str, colour: str) -> str:
        """Return *text* between *colour*, one of the style's own, and the reset."""
        return f"{colour}{text}{self.reset}" if colour else text


PLAIN: Final = Style()
"""No colour."""

COLOUR: Final = Style(
    good="\x1b[1;32m",
    bad="\x1b[1;31m",
    unclear="\x1b[1;33m",
    strong="\x1b[1m",
    faint="\x1b[2m",
    reset="\x1b[0m",
)
"""The sixteen basic colours, which every terminal and its themes know."""


def shown(lines: Iterable[str], *, noun: str) -> Iterator[str]:
    """Yield the first `MAX_TEXT_ITEMS` of *lines*, then how many more *noun* there are."""
    hidden = 0
    for number, line in enumerate(lines):
        if number < MAX_TEXT_ITEMS:
            yield line
        else:
            hidden += 1
    if hidden:
        yield f"  ... and {hidden} more {noun}; --format json lists all"


def counted(number: int, noun: str) -> str:
    """Return *number* and *noun*, with an s unless there is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def readable_size(size: int) -> str:
    """Return *size* bytes in the largest unit in which it is at least one."""
    amount = float(size)
    for unit in _UNITS[:-1]:
        if amount < _STEP:
            return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _STEP
    return f"{amount:.1f} {_UNITS[-1]}"
