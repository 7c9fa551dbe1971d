"""Give the scanner the bytes of an artifact on disk, as long as they are the hashed ones."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

from weighbridge.core.artifact import FileEntry, Inventory
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import ArtifactChangedError, OperationError
from weighbridge.inventory.files import (
    FileSource,
    check_unchanged,
    failure,
    location,
    open_descriptor,
)
from weighbridge.sources.interface import LocalHandle


class DiskContents:
    """
    The files of an inventory, opened again for parsing.

    A file is given out only while device, inode, size, mtime and ctime are those of the file
    that was hashed, checked before and after. A writer that holds a shared memory mapping can
    change bytes without changing them; `weighbridge.load` is immune, since it parses the very
    bytes that it holds.
    """

    def __init__(self, handle: LocalHandle, inventory: Inventory) -> None:
        self._root = os.fspath(handle.root)
        self._entries: dict[str, FileEntry] = {entry.path: entry for entry in inventory.entries}

    @contextmanager
    def open(self, path: str) -> Iterator[ByteSource]:
        """
        Open the file at *path* for parsing.

        Raises:
            ArtifactChangedError: It is no longer the file that was hashed; on leaving the
                context, it changed meanwhile and what was read is void.
            OperationError: It cannot be read.
        """
        entry = self._entries[path]
        with self._open(entry) as file:
            check_unchanged(file.fileno(), entry.stamp, path=path)
            yield FileSource(file, size=entry.size, path=path)
            check_unchanged(file.fileno(), entry.stamp, path=path)

    def _open(self, entry: FileEntry) -> io.FileIO:
        try:
            descriptor = open_descriptor(
                location(self._root, entry.path), through_symlink=entry.through_symlink
            )
        except OSError as error:
            code, reason = failure(error)
            if code is ArtifactChangedError.default_code:
                raise ArtifactChangedError(reason, where=entry.path) from error
            raise OperationError(reason, code=code, where=entry.path) from error
        return io.FileIO(descriptor, "r")
