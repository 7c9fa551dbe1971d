"""A claim with the digests of parts of a model's files, for loads that read some of them."""

import io
import os
from collections.abc import Iterable
from pathlib import Path

from weighbridge.core.artifact import GIT_NAMES, ArtifactKind, FileFormat
from weighbridge.core.attestation import Artifact, CutFile, PartDigests
from weighbridge.core.errors import NothingToCheckError, WeighbridgeError
from weighbridge.core.limits.loading import HELD_INLINE_BYTES
from weighbridge.core.limits.scanning import MAX_WORKER_INLINE_BYTES
from weighbridge.core.limits.sniffing import SNIFF_BYTES, SNIFF_TAIL_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats import gguf, safetensors
from weighbridge.formats.sniff import sniff
from weighbridge.inventory.cutting import CuttingSink, cut
from weighbridge.inventory.files import FileSource, location, open_descriptor
from weighbridge.inventory.names import is_under
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import METADATA_NAMES, InventoryPlan, SniffRule, take_inventory
from weighbridge.inventory.walk import Found, SymlinkRule, walk
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.by_parts import CUT_FORMATS
from weighbridge.pipeline.claims.reading import claims_place
from weighbridge.pipeline.claims.writing import append_claim
from weighbridge.pipeline.naming import digests_of
from weighbridge.pipeline.recording.inputs import require_name
from weighbridge.pipeline.signatures import find_signatures
from weighbridge.provenance.part_digests import render_parts
from weighbridge.signing.interface import Signer
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate


@frozen
class AttestedParts:
    """
    Digests of parts that were signed.

    Attributes:
        claims: The file that the claim is in.
        artifact: What they are about.
        parts: The digests.
    """

    claims: Path
    artifact: Artifact
    parts: PartDigests


def attest_parts(
    reference: str,
    /,
    *,
    signer: Signer,
    name: str | None = None,
    allow_symlinks: bool = False,
    progress: Progress | None = None,
) -> AttestedParts:
    """
    Sign the digests of the parts of the artifact's tensor files, and append that to its claims.

    Every file is read once: whole files and parts are digested from the same bytes. Parts end where
    tensors do, as far as files can be parsed; where they end has no effect on what they prove. The
    artifact is named as a signature names it: without the metadata of a version control.

    Raises:
        UsageError: The reference names nothing, or *name* is none.
        NothingToCheckError: It holds no file of tensors that is worth cutting.
        RefusedError, IndeterminateError, OperationError: A file cannot be accounted for.
    """
    handle = locate(reference)
    called = name or handle.name
    require_name(called)
    symlinks = SymlinkRule.FILES if allow_symlinks else SymlinkRule.REFUSE
    signatures = find_signatures(handle).inside(handle)
    directory = handle.kind is ArtifactKind.DIRECTORY
    ignored = GIT_NAMES if directory else frozenset[str]()
    found = walk(handle, symlinks=symlinks).files
    sink = CuttingSink(
        dict(_ends(handle, (each for each in found if not is_under(each.path, ignored)))),
        kept=frozenset(METADATA_NAMES) | signatures,
    )
    plan = InventoryPlan(
        sniff=SniffRule.UNDIGESTED, symlinks=symlinks, signatures=signatures, undigested=ignored
    )
    inventory = take_inventory(handle, plan, sink=sink, progress=progress)
    open_gaps = (gap for gap in inventory.gaps if not is_under(gap.path or ".", ignored))
    require_complete(open_gaps, name=inventory.name)
    require_files(handle, inventory)
    entries = [each for each in inventory.model_entries if not is_under(each.path, ignored)]
    files = [
        CutFile(path=e.path, parts=sink.parts[e.path]) for e in entries if e.path in sink.parts
    ]
    binding = digests_of(inventory, entries, root=None).binding
    if not files or binding is None:
        raise NothingToCheckError(
            "no file of tensors is worth cutting",
            where=reference,
            expected=f"safetensors or GGUF files of more than {HELD_INLINE_BYTES} bytes",
        )
    artifact = Artifact(name=called, binding=binding)
    parts = PartDigests(files=tuple(files))
    append_claim(handle, signer.sign(render_parts(parts, artifacts=[artifact])))
    return AttestedParts(claims=claims_place(handle), artifact=artifact, parts=parts)


def _ends(handle: LocalHandle, files: Iterable[Found]) -> Iterable[tuple[str, tuple[int, ...]]]:
    """Yield where the parts of those of *files* end that are cut."""
    for found in files:
        if found.stamp.size <= HELD_INLINE_BYTES:
            continue
        try:
            borders = _borders(handle, found)
        except (OSError, WeighbridgeError):
            borders = ()  # what is wrong with it is told when it is read whole, or scanned
        if borders is not None:
            later = (border for border in borders if border > SNIFF_BYTES)
            yield found.path, cut(found.stamp.size, (*_looked_at(found.stamp.size), *later))


def _looked_at(size: int) -> Iterable[int]:
    """
    Yield borders of what every load reads of a file to tell its format, so that it is little.

    Start and end, and where an HDF5 file might begin (File Format Specification, II.A).
    """
    yield SNIFF_BYTES
    place = SNIFF_BYTES
    while place < size:
        yield from (place, place + MAX_WORKER_INLINE_BYTES)
        place *= 2
    yield size - 2 * SNIFF_TAIL_BYTES


def _borders(handle: LocalHandle, found: Found) -> Iterable[int] | None:
    """Return where tensors begin; None in a file of another format than those that are cut."""
    place = location(os.fspath(handle.root), found.path)
    descriptor = open_descriptor(place, through_symlink=found.through_symlink)
    with io.FileIO(descriptor, "r") as file:
        source = FileSource(file, size=found.stamp.size, path=found.path)
        name = handle.name if found.path == "." else found.path.rpartition("/")[2]
        told = sniff(source, name=name).format
        if told not in CUT_FORMATS:
            return None
        if told is FileFormat.GGUF:
            return [tensor.start for tensor in gguf.parse_header(source).tensors]
        return [tensor.start for tensor in safetensors.parse_header(source).tensors]
