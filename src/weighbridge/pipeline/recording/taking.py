"""An artifact before and after a step: both digests, and every file's stamp."""

from weighbridge.core.artifact import GIT_NAMES, ArtifactKind, FileStamp, Inventory
from weighbridge.core.attestation import Artifact, Binding
from weighbridge.core.errors import OperationError
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, SniffRule, take_inventory
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.naming import digests_of
from weighbridge.pipeline.signatures import find_signatures
from weighbridge.sources.interface import LocalHandle


@frozen
class Taken:
    """
    An artifact at one moment.

    Attributes:
        binding: Both digests.
        files: Triples of a path, its digest and its stamp, in the order of the paths.
        partial: Whether files were left out that its signature leaves out.
    """

    binding: Binding
    files: tuple[tuple[str, str, FileStamp], ...]
    partial: bool = False

    def named(self, name: str, /, *, uri: str | None = None) -> Artifact:
        """Return the artifact as a statement names it."""
        return Artifact(name=name, uri=uri, binding=self.binding)


def take(
    handle: LocalHandle,
    /,
    *,
    symlinks: SymlinkRule = SymlinkRule.REFUSE,
    signed_files: bool = False,
    progress: Progress | None = None,
) -> Taken:
    """
    Read every model file of *handle* and return what names it.

    Args:
        handle: Where it is.
        symlinks: What a symbolic link to a file means.
        signed_files: Whether to name it as its signature does, if it has one: signatures leave
            out a repository's own files, such as `.gitattributes`.
        progress: Is told how far the reading is.

    Raises:
        RefusedError, IndeterminateError: A file cannot be accounted for; no digest is partial.
        NothingToCheckError: It holds no file.
        OperationError: A file cannot be read.
    """
    signatures = find_signatures(handle)
    left_out = signed_files and handle.kind is ArtifactKind.DIRECTORY and bool(signatures.files)
    ignored = GIT_NAMES if left_out else frozenset[str]()
    plan = InventoryPlan(
        sniff=SniffRule.UNDIGESTED,
        symlinks=symlinks,
        signatures=signatures.inside(handle),
        undigested=ignored,
    )
    inventory = take_inventory(handle, plan, progress=progress)
    open_gaps = (gap for gap in inventory.gaps if not is_under(gap.path or ".", ignored))
    require_complete(open_gaps, name=inventory.name)
    require_files(handle, inventory)
    return _taken(handle, inventory, ignored)


def _taken(handle: LocalHandle, inventory: Inventory, ignored: frozenset[str]) -> Taken:
    entries = [e for e in inventory.model_entries if not is_under(e.path, ignored)]
    binding = digests_of(inventory, entries, root=None).binding
    if not entries or binding is None:
        raise OperationError("the artifact holds no file of its own", where=handle.reference)
    return Taken(
        binding=binding,
        partial=len(entries) < len(inventory.model_entries),
        files=tuple((e.path, e.sha256.hex if e.sha256 else "", e.stamp) for e in entries),
    )


def differences(before: Taken, after: Taken, /) -> tuple[str, ...]:
    """
    Return what happened to the files meanwhile, a line each.

    A file that was written, replaced or touched is there too if it has the same bytes again:
    nobody knows which ones the step read.
    """
    old = {path: (digest, stamp) for path, digest, stamp in before.files}
    new = {path: (digest, stamp) for path, digest, stamp in after.files}
    lines: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            lines.append(f"{path} is gone")
        elif path not in old:
            lines.append(f"{path} is new")
        elif old[path][0] != new[path][0]:
            lines.append(f"{path} has other content")
        elif old[path][1] != new[path][1]:
            lines.append(f"{path} was written or replaced by the same content")
    return tuple(lines)
