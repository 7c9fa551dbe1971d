"""Tell how far the scanning is."""

from collections.abc import Iterator
from contextlib import contextmanager

from weighbridge.core.artifact import Inventory
from weighbridge.core.content import ByteSource
from weighbridge.inventory.progress import Progress
from weighbridge.scan.runner import Contents


def counted(contents: Contents, inventory: Inventory, progress: Progress | None) -> Contents:
    """Return contents that tell *progress*, if anybody wants to know, which files were done."""
    return contents if progress is None else _Counted(contents, inventory, progress)


class _Counted:
    """Contents that tell which part of the files was opened, in bytes."""

    def __init__(self, contents: Contents, inventory: Inventory, progress: Progress) -> None:
        self._contents = contents
        self._progress = progress
        self._sizes = {entry.path: entry.size for entry in inventory.entries}
        progress.begin(sum(self._sizes.values()))

    @contextmanager
    def open(self, path: str, /) -> Iterator[ByteSource]:
        """Open the file, and count it once it is closed."""
        with self._contents.open(path) as source:
            yield source
        self._progress.advance(self._sizes.get(path, 0))
