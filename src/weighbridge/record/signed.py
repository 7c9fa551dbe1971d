"""What the records of a signing need to know of digests that existed before it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from weighbridge.core.identity import VerifiedIdentity


class ReuseLine(Protocol):
    """What became of an earlier signature; see `pipeline.earlier.Reuse`."""

    @property
    def signature(self) -> Path:
        """Its file."""
        ...

    @property
    def identity(self) -> VerifiedIdentity:
        """Who made it."""
        ...

    @property
    def taken(self) -> Sequence[str]:
        """Files whose digests were taken from it, unread."""
        ...

    @property
    def unchanged(self) -> Sequence[str]:
        """Files that were read and are as it says."""
        ...

    @property
    def changed(self) -> Sequence[str]:
        """Files that are not."""
        ...

    @property
    def added(self) -> Sequence[str]:
        """Files that it does not name."""
        ...

    @property
    def removed(self) -> Sequence[str]:
        """Files that are not signed any more."""
        ...


class ManifestLine(Protocol):
    """What became of a manifest; see `pipeline.manifests.ManifestCheck`."""

    @property
    def manifest(self) -> Path:
        """Where it is."""
        ...

    @property
    def compared(self) -> Sequence[str]:
        """Files that were read and are as it says."""
        ...

    @property
    def taken(self) -> Sequence[str]:
        """Files whose digests were taken from it, unread."""
        ...

    @property
    def unstated(self) -> Sequence[str]:
        """Files of which it says nothing."""
        ...
