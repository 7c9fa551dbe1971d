"""Inventories for tests: from files in memory, or read plainly from a directory."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import blake3

from weighbridge.core.artifact import (
    CLAIMS_NAME,
    SIGNATURE_NAME,
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileFormat,
    FileStamp,
    Inventory,
)
from weighbridge.core.digest import DigestPart, FileDigest, HashAlgorithm, HashLayout
from weighbridge.core.evidence import Gap

_ROLES = {SIGNATURE_NAME: EntryRole.SIGNATURE, CLAIMS_NAME: EntryRole.CLAIMS}


def digest(algorithm: HashAlgorithm, data: bytes) -> bytes:
    """Return the digest of *data*."""
    match algorithm:
        case HashAlgorithm.SHA256:
            return hashlib.sha256(data).digest()
        case HashAlgorithm.BLAKE2B:
            return hashlib.blake2b(data).digest()
        case HashAlgorithm.BLAKE3:
            return blake3.blake3(data).digest()


def file_digest(data: bytes, layout: HashLayout) -> FileDigest:
    """Return all digests of a file that holds *data*."""
    if layout.shard_size is None:
        whole = DigestPart(0, len(data), digest(layout.algorithm, data))
        return FileDigest(layout, (whole,))
    parts = tuple(
        DigestPart(
            start,
            min(start + layout.shard_size, len(data)),
            digest(layout.algorithm, data[start : start + layout.shard_size]),
        )
        for start in range(0, len(data), layout.shard_size)
    )
    return FileDigest(layout, parts)


def entry(
    path: str,
    data: bytes,
    *,
    layouts: Sequence[HashLayout] = (HashLayout(),),
    format: FileFormat | None = None,  # noqa: A002  mirrors the attribute
    through_symlink: bool = False,
) -> FileEntry:
    """Return the entry of a file at *path* that holds *data*."""
    return FileEntry(
        path=path,
        size=len(data),
        role=_ROLES.get(path, EntryRole.MODEL),
        format=format,
        suffix_format=None,
        through_symlink=through_symlink,
        stamp=FileStamp(device=1, inode=1, size=len(data), mtime_ns=0, ctime_ns=0),
        digests=tuple(file_digest(data, layout) for layout in layouts),
    )


def inventory_of(
    files: Mapping[str, bytes],
    *,
    layout: HashLayout | None = None,
    name: str = "model",
    formats: Mapping[str, FileFormat] | None = None,
    empty_directories: tuple[str, ...] = (),
    gaps: tuple[Gap, ...] = (),
    undigested: Collection[str] = (),
) -> Inventory:
    """Return the inventory of *files*; the one file `.` makes a single-file artifact."""
    layouts = (layout or HashLayout(),)
    return Inventory(
        name=name,
        kind=ArtifactKind.FILE if set(files) == {"."} else ArtifactKind.DIRECTORY,
        entries=tuple(
            entry(
                path,
                data,
                layouts=() if path in undigested else layouts,
                format=(formats or {}).get(path),
            )
            for path, data in sorted(files.items())
        ),
        empty_directories=empty_directories,
        layouts=layouts,
        gaps=gaps,
    )


def files_below(root: Path) -> dict[str, bytes]:
    """Read every file of the directory *root*, or the one file that it is."""
    if root.is_file():
        return {".": root.read_bytes()}
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }
