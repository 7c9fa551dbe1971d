"""
Build types whose parameters are all of the external ones, as they stand.

Ours are of this kind, and so is every one that is not known: then the policy has to name it.
"""

from weighbridge.core.attestation import Resource, Source
from weighbridge.provenance.build_types.interface import Definition, Parts
from weighbridge.provenance.parameters import parameters_of
from weighbridge.provenance.resources import source_of, subjects_of


def read(definition: Definition, /) -> Parts:
    """Read a definition that says nothing of its source but among the dependencies."""
    return split(definition)


def split(definition: Definition, /, *, stated: str | None = None) -> Parts:
    """
    Return the parts of *definition*, with all of its external parameters.

    Args:
        definition: What the provenance says.
        stated: Which of several sources it is, `URI@REF`, where the definition says so.
    """
    inputs, rest = subjects_of(definition.dependencies, at=definition.at, where=definition.where)
    source, others = take_source(rest, stated=stated)
    return Parts(
        source=source,
        parameters=parameters_of(definition.external),
        internal=parameters_of(definition.internal),
        inputs=inputs,
        others=others,
    )


def take_source(
    resources: tuple[Resource, ...], /, *, stated: str | None = None
) -> tuple[Source | None, tuple[Resource, ...]]:
    """
    Return the one source among *resources* and the others, or None and all of them.

    Where one of several is `stated`, that one is meant, and one with a commit rather than one
    without. Two that differ are never one source.
    """
    sources = [(resource, source_of(resource)) for resource in resources]
    found = [(resource, source) for resource, source in sources if source is not None]
    meant = [(resource, source) for resource, source in found if source.label == stated] or found
    meant = [(resource, source) for resource, source in meant if source.commit is not None] or meant
    if len({source for _, source in meant}) != 1:
        return None, resources
    taken = {resource for resource, _ in meant}
    return meant[0][1], tuple(resource for resource in resources if resource not in taken)
