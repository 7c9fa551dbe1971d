"""How the reading of an artifact tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Receives the progress; both methods return quickly and never raise."""

    def begin(self, total: int, /) -> None:
        """Say how many bytes there are in all."""
        ...

    def advance(self, count: int, /) -> None:
        """Say that *count* more bytes were read; called from any thread."""
        ...
