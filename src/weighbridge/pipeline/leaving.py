"""Admit an artifact and leave its bytes in files: where they are, or in a copy in the store."""

import os
import sys
from functools import partial

from weighbridge.core.artifact import Inventory
from weighbridge.core.errors import StoreError, UsageError
from weighbridge.inventory.files import location, open_descriptor
from weighbridge.inventory.progress import Progress
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.checked import CheckedMemory
from weighbridge.load.held import HeldFiles
from weighbridge.load.memfd import Descriptor
from weighbridge.pipeline.by_parts import PartReading
from weighbridge.pipeline.check import Examination, Hashing
from weighbridge.policy.schema import Policy
from weighbridge.sources.interface import LocalHandle


def leave(
    handle: LocalHandle,
    policy: Policy,
    *,
    boundary: str,
    progress: Progress | None,
    stored: bool,
) -> VerifiedArtifact:
    """
    Return the artifact, if *policy* allows it, with its bytes left in files.

    What is given out of them is verified part by part, each time; see `load.checked`.

    Args:
        handle: Where it is.
        policy: What has to hold.
        boundary: Where it is applied.
        progress: Told what is read.
        stored: Whether to copy it into the store, and read from there.

    Raises:
        UsageError: The system cannot read at a position without moving another reader's.
        StoreError: There is no place for the copy.
        ArtifactChangedError: A file changed meanwhile.
        As for `pipeline.load.load`.
    """
    if not hasattr(os, "preadv"):
        raise UsageError(
            "bytes cannot be left in files on this system",
            expected="Linux, or another POSIX system",
            found=sys.platform,
            hint="Leave out hold",
        )
    reading = PartReading(handle)
    examination = Examination(
        handle,
        policy,
        boundary=boundary,
        progress=progress,
        hashing=Hashing.SIGNED,
        parts=reading,
    )
    held: list[HeldFiles] = []
    verdict = examination.run(contents=partial(_contents, reading, held))
    artifact = VerifiedArtifact(
        verdict,
        held[0] if held else HeldFiles({}),
        reference=handle.reference,
        pinned=examination.pinned_code,
    )
    if stored:
        _move(artifact)
    return artifact


def _contents(reading: PartReading, held: list[HeldFiles], inventory: Inventory) -> HeldFiles:
    """Return the files of *inventory*, and note them in *held*."""
    files = reading.contents(inventory)
    held.append(files)
    return files


def _move(artifact: VerifiedArtifact) -> None:
    """Have what *artifact* gives out come from a copy in the store, verified as before."""
    copy = os.fspath(artifact.path())
    for path in artifact.files:
        memory = artifact.held[path].memory
        if not isinstance(memory, CheckedMemory):
            continue
        place = location(copy, path)
        try:
            memory.move(Descriptor(open_descriptor(place, through_symlink=False)))
        except OSError as error:
            raise StoreError(
                f"the copy cannot be opened: {error.strerror or error}", where=place
            ) from error
