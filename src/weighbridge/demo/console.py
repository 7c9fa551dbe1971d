"""Where the demonstration writes, and how words look there."""

from enum import StrEnum
from typing import TextIO

from weighbridge.core.errors import printable
from weighbridge.core.values import frozen


class Tone(StrEnum):
    """What a piece of text is; the value is its ANSI attribute, if any."""

    PLAIN = ""
    GOOD = "32"
    BAD = "31"
    TITLE = "1"
    FAINT = "2"
    COMMAND = "36"


@frozen
class Console:
    """
    A stream and whether it shows colours.

    Attributes:
        stream: Gets whole lines, flushed one by one so that a watcher sees each in time.
        colour: Whether ANSI attributes are written; the caller knows the terminal.
    """

    stream: TextIO
    colour: bool = False

    def write(self, text: str = "") -> None:
        """Write one line."""
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def style(self, text: str, tone: Tone) -> str:
        """Return *text*, control characters escaped, in the colour of *tone* if there is any."""
        safe = printable(text)
        return f"\x1b[{tone}m{safe}\x1b[0m" if self.colour and tone else safe
