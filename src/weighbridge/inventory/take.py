"""Take the inventory of an artifact: every file accounted for, every byte read once."""

import os
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from weighbridge.core.artifact import (
    CLAIMS_NAME,
    SIGNATURE_NAME,
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileFormat,
    Inventory,
)
from weighbridge.core.content import ByteSource
from weighbridge.core.digest import HashLayout
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.inventory import MAX_SHARDS
from weighbridge.core.values import frozen
from weighbridge.inventory.hashers import available_cores
from weighbridge.inventory.hashing import ReadFile, Reading, read_files
from weighbridge.inventory.names import is_under
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.sink import ByteSink
from weighbridge.inventory.walk import Found, SymlinkRule, walk
from weighbridge.sources.interface import LocalHandle

if TYPE_CHECKING:
    from weighbridge.formats.sniff import Sniffed

DEFAULT_LAYOUTS: Final = (HashLayout(),)
"""SHA-256 of each whole file, which the names digest needs."""

METADATA_NAMES: Final = {SIGNATURE_NAME: EntryRole.SIGNATURE, CLAIMS_NAME: EntryRole.CLAIMS}
"""Files about a directory of a model, which are no part of it."""

METADATA_FORMATS: Final = frozenset(
    {FileFormat.EMPTY, FileFormat.JSON, FileFormat.LFS_POINTER, FileFormat.TEXT, FileFormat.YAML}
)
"""
What signatures and claims can be. No signature covers them and no scan looks at them, so a
file of another format that bears their name is a model file like any other.
"""


class SniffRule(StrEnum):
    """Of which files the format is told."""

    ALL = "all"
    UNDIGESTED = "undigested"
    """
    Only of files that are not digested, and of those with the name of a signature or claims:
    signing needs no more, and it is faster.
    """


@frozen
class InventoryPlan:
    """
    What an inventory is to say.

    Attributes:
        layouts: How to digest each file; at least one.
        sniff: Of which files to tell the format.
        symlinks: What a symbolic link to a file means.
        signature: Path of the signature file relative to the root, if it lies within; the
            caller has read it, or will write it.
        signatures: Paths of other files that the caller has parsed as signatures. One that is
            no JSON when the inventory reads it is a model file like any other.
        undigested: Paths that are listed but not hashed, each with all that is below it.
        workers: Threads at most; None for as many as there are cores.
    """

    layouts: tuple[HashLayout, ...] = DEFAULT_LAYOUTS
    sniff: SniffRule = SniffRule.ALL
    symlinks: SymlinkRule = SymlinkRule.REFUSE
    signature: str | None = None
    signatures: frozenset[str] = frozenset()
    undigested: frozenset[str] = frozenset()
    workers: int | None = None


def take_inventory(
    handle: LocalHandle,
    plan: InventoryPlan,
    *,
    sink: ByteSink | None = None,
    progress: Progress | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Inventory:
    """
    Walk *handle*, read every file once, and return what is there.

    What cannot be read, changes while it is read, or has no place in an artifact is a gap of
    the inventory; the caller decides what a gap means.

    Args:
        handle: Where the artifact is.
        plan: What the inventory is to say.
        sink: Takes the bytes while they are hashed; the digests are of those bytes.
        progress: Is told how far the reading is.
        meanwhile: Called once, when the first large files are being read by other threads:
            what has to be imported or prepared anyway costs no time then. What it raises ends
            the reading.

    Raises:
        LimitExceededError: More files, depth or shards than `core.limits` allows.
    """
    listed = walk(handle, symlinks=plan.symlinks)
    left_out = plan.undigested

    def digested(path: str) -> bool:
        return not (left_out and is_under(path, left_out))

    def undigested(path: str) -> bool:
        return path in METADATA_NAMES or path in plan.signatures or not digested(path)

    reading = Reading(
        root=os.fspath(handle.root),
        name=handle.name,
        layouts=plan.layouts,
        digested=digested,
        sniffed=_always if plan.sniff is SniffRule.ALL else undigested,
        sniff=_sniff,
        workers=plan.workers or available_cores(),
        sink=sink,
        advance=progress.advance if progress else None,
        meanwhile=meanwhile,
    )
    _bound_shards((f for f in listed.files if digested(f.path)), plan.layouts)
    if progress:
        progress.begin(sum(f.stamp.size for f in listed.files if digested(f.path)))
    files, gaps = read_files(listed.files, reading)
    files.sort(key=lambda file: file.found.path)
    return Inventory(
        name=handle.name,
        kind=handle.kind,
        entries=tuple(_entry(file, _role(file, handle, plan)) for file in files),
        empty_directories=listed.empty_directories,
        layouts=plan.layouts,
        gaps=listed.gaps + tuple(sorted(gaps, key=lambda gap: gap.path or "")),
    )


def _bound_shards(files: Iterable[Found], layouts: Iterable[HashLayout]) -> None:
    """Refuse more shards than can be held, before any is made: a signer chooses their size."""
    sizes = [found.stamp.size for found in files]
    for layout in layouts:
        shard = layout.shard_size
        if shard is None:
            continue
        count = sum(-(-size // shard) for size in sizes)
        if count > MAX_SHARDS:
            raise LimitExceededError(
                f"the files make too many shards of {shard} bytes",
                expected=f"at most {MAX_SHARDS}",
                found=str(count),
                hint="Sign with a larger --shard-size, or with none",
            )


def _role(file: ReadFile, handle: LocalHandle, plan: InventoryPlan) -> EntryRole:
    path = file.found.path
    if handle.kind is ArtifactKind.FILE:
        return EntryRole.MODEL
    if path == plan.signature:
        return EntryRole.SIGNATURE
    role = METADATA_NAMES.get(path, EntryRole.MODEL)
    sniffed = file.sniffed
    if path in plan.signatures and path not in METADATA_NAMES:
        plain = sniffed is not None and not sniffed.also
        json = plain and sniffed is not None and sniffed.format is FileFormat.JSON
        return EntryRole.SIGNATURE if json else EntryRole.MODEL
    if sniffed is None or sniffed.also or sniffed.format not in METADATA_FORMATS:
        return EntryRole.MODEL
    return role


def _entry(file: ReadFile, role: EntryRole) -> FileEntry:
    found, sniffed = file.found, file.sniffed
    return FileEntry(
        path=found.path,
        size=found.stamp.size,
        role=role,
        format=sniffed.format if sniffed else None,
        suffix_format=sniffed.suffix_format if sniffed else None,
        through_symlink=found.through_symlink,
        stamp=found.stamp,
        digests=file.digests,
    )


def _sniff(source: ByteSource, *, name: str) -> "Sniffed":
    """Tell a format; the parsers that it takes are imported when the first one is asked for."""
    from weighbridge.formats.sniff import sniff  # noqa: PLC0415  a fifth of a signature's start-up

    return sniff(source, name=name)


def _always(path: str) -> bool:
    return bool(path)
