"""The two digests by which claims and verdicts name an artifact."""

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from weighbridge.core.artifact import ArtifactDigests, FileEntry, Inventory
from weighbridge.core.attestation import Binding
from weighbridge.core.digest import Digest, HashLayout
from weighbridge.inventory.take import DEFAULT_LAYOUTS
from weighbridge.signing.manifest import names_digest
from weighbridge.signing.resources import Resource, root_digest

if TYPE_CHECKING:
    from weighbridge.policy.controls.interface import Naming


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
    ordered = root_digest(_resources(chosen, layout))
    return ArtifactDigests(
        name=inventory.name,
        oms=ordered if root is None else root,
        names=names_digest(chosen, name=inventory.name) if named else None,
        ordered=None if root in {None, ordered} else ordered,
    )


def namings_of(inventory: Inventory, covered: Iterable[Collection[str]]) -> "tuple[Naming, ...]":
    """
    Return how claims may name the artifact: by all its model files, or by those of a signature.

    A signature leaves out the metadata of a version control, for instance, and who recorded a
    build may have done so as well. The root digest is in the order of the specification, which
    is that of whoever made the claim.

    Args:
        inventory: The files. One with gaps, or without SHA-256 of whole files, has no name.
        covered: The paths that each signature covers.
    """
    # Imported here: whoever names an artifact needs nothing of policies.
    from weighbridge.policy.controls.interface import Naming  # noqa: PLC0415  see above

    if inventory.gaps or DEFAULT_LAYOUTS[0] not in inventory.layouts:
        return ()
    models = {entry.path: entry for entry in inventory.model_entries}
    ways = {frozenset(models), *(frozenset(paths) & frozenset(models) for paths in covered)}
    return tuple(
        Naming(binding=binding, paths=paths)
        for paths in sorted(ways, key=sorted)
        if paths and (binding := _binding(inventory, (models[path] for path in sorted(paths))))
    )


def _binding(inventory: Inventory, entries: Iterable[FileEntry]) -> Binding | None:
    return digests_of(inventory, entries, root=None).binding


def _resources(entries: tuple[FileEntry, ...], layout: HashLayout) -> Iterator[Resource]:
    for entry in entries:
        for part in entry.digest(layout).parts:
            end = None if layout.shard_size is None else part.end
            yield Resource(entry.path, part.start, end, part.value)
