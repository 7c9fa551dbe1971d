"""The two digests by which claims and verdicts name an artifact."""

from collections.abc import Iterable

from weighbridge.core.artifact import ArtifactDigests, FileEntry, Inventory
from weighbridge.core.digest import Digest
from weighbridge.inventory.take import DEFAULT_LAYOUTS
from weighbridge.signing.manifest import names_digest
from weighbridge.signing.resources import Resource, root_digest


def digests_of(
    inventory: Inventory, entries: Iterable[FileEntry], *, root: Digest | None
) -> ArtifactDigests:
    """
    Return the digests that name *entries*.

    Args:
        inventory: Whose name the digests carry; taken with SHA-256 of whole files.
        entries: The files, each digested.
        root: The root digest that a signer stated, in the signer's order; None to compute it
            in the order of the specification.
    """
    chosen = tuple(entries)
    return ArtifactDigests(
        name=inventory.name,
        oms=root if root is not None else root_digest(_resources(chosen)),
        names=names_digest(chosen, name=inventory.name),
    )


def _resources(entries: tuple[FileEntry, ...]) -> tuple[Resource, ...]:
    layout = DEFAULT_LAYOUTS[0]
    return tuple(
        Resource(entry.path, 0, None, part.value)
        for entry in entries
        for part in entry.digest(layout).parts
    )
