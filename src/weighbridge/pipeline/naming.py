"""The two digests by which claims and verdicts name an artifact."""

from collections.abc import Iterable, Iterator

from weighbridge.core.artifact import ArtifactDigests, FileEntry, Inventory
from weighbridge.core.digest import Digest, HashLayout
from weighbridge.inventory.take import DEFAULT_LAYOUTS
from weighbridge.signing.manifest import names_digest
from weighbridge.signing.resources import Resource, root_digest


def digests_of(
    inventory: Inventory, entries: Iterable[FileEntry], *, root: Digest | None
) -> ArtifactDigests:
    """
    Return the digests that name *entries*.

    Args:
        inventory: Whose name the digests carry. Taken without SHA-256 of whole files, it has no
            names digest.
        entries: The files, each digested.
        root: The root digest that a signer stated, in the signer's order; None to compute it
            in the order of the specification.
    """
    chosen = tuple(entries)
    named = DEFAULT_LAYOUTS[0] in inventory.layouts
    layout = DEFAULT_LAYOUTS[0] if named else inventory.layouts[0]
    return ArtifactDigests(
        name=inventory.name,
        oms=root if root is not None else root_digest(_resources(chosen, layout)),
        names=names_digest(chosen, name=inventory.name) if named else None,
    )


def _resources(entries: tuple[FileEntry, ...], layout: HashLayout) -> Iterator[Resource]:
    for entry in entries:
        for part in entry.digest(layout).parts:
            end = None if layout.shard_size is None else part.end
            yield Resource(entry.path, part.start, end, part.value)
