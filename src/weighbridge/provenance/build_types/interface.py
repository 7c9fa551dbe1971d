"""What a platform's reader of build definitions is given, and what it gives."""

from collections.abc import Callable, Collection
from typing import TypeAlias

from weighbridge.core.attestation import Artifact, Resource, Source
from weighbridge.core.values import frozen
from weighbridge.provenance.fields import JsonObject


@frozen
class Definition:
    """
    How a build was defined, as it stands in the provenance.

    Attributes:
        build_type: URI of the template.
        external: What whoever started the build chose.
        internal: What the platform set by itself.
        dependencies: What was used.
        at: Where the dependencies stand, for messages.
        where: File and line, for messages.
    """

    build_type: str
    external: JsonObject
    internal: JsonObject
    dependencies: tuple[Resource, ...]
    at: str
    where: str


@frozen
class Parts:
    """
    The parts of a `Build` that depend on its type.

    Attributes:
        source: The source, where there is exactly one.
        parameters: What whoever started the build chose, besides the source.
        internal: What the platform set by itself.
        inputs: The artifacts that it was made from.
        others: Every other dependency.
    """

    source: Source | None
    parameters: tuple[tuple[str, str], ...]
    internal: tuple[tuple[str, str], ...]
    inputs: tuple[Artifact, ...]
    others: tuple[Resource, ...]


Reader: TypeAlias = Callable[[Definition], Parts]
"""
Reads the definitions of one build type.

Raises `ClaimError` where the definition does not follow the type, `LimitExceededError` where a
bound is met.
"""


def without(parts: Parts, names: Collection[str], /) -> Parts:
    """Return *parts* without the parameters *names*, of which the source says the same."""
    return Parts(
        source=parts.source,
        parameters=tuple(pair for pair in parts.parameters if pair[0] not in names),
        internal=parts.internal,
        inputs=parts.inputs,
        others=parts.others,
    )
