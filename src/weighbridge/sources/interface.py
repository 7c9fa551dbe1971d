"""What a source hands on: where the artifact's bytes are, and what the caller called it."""

from pathlib import Path

from weighbridge.core.artifact import ArtifactKind
from weighbridge.core.values import frozen


@frozen
class LocalHandle:
    """
    An artifact on this machine's file system.

    Attributes:
        reference: What the caller wrote; policies match on it.
        root: Absolute path with no symbolic link in it, of the directory or the file.
        kind: Directory or single file.
        name: Base name, for people.
    """

    reference: str
    root: Path
    kind: ArtifactKind
    name: str

    @property
    def default_signature(self) -> Path:
        """Where the signature lies unless the caller says otherwise."""
        if self.kind is ArtifactKind.DIRECTORY:
            return self.root / "model.sig"
        return self.root.with_name(self.root.name + ".sig")
