"""What a remote source hands on: an artifact at a revision that does not move, read in pieces."""

from typing import Protocol

from weighbridge.core.content import ByteSource
from weighbridge.core.values import frozen


@frozen
class RemoteFile:
    """
    A file that a server says it has.

    Attributes:
        path: As the server writes it; nothing about it was checked.
        size: Bytes, as the server says.
    """

    path: str
    size: int


class RemoteHandle(Protocol):
    """An artifact on a server."""

    @property
    def reference(self) -> str:
        """What the caller wrote."""
        ...

    @property
    def name(self) -> str:
        """Base name, for people."""
        ...

    @property
    def revision(self) -> str:
        """The commit that the reference stood for when it was located."""
        ...

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """Every file of that commit, as the server lists them."""
        ...

    def open(self, file: RemoteFile, /) -> ByteSource:
        """
        Return the bytes of *file*, fetched when they are read.

        Reading raises `OperationError` where the server does not give them, and
        `ArtifactChangedError` where it gives those of another file.
        """
        ...
