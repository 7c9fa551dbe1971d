"""Which reader a build type has."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.build_types import (
    GENERATOR_CONTAINER_BASED,
    GITHUB_WORKFLOW,
    GITHUB_WORKFLOW_COMMUNITY,
    is_gitlab_job,
)
from weighbridge.provenance.build_types import github, gitlab, plain
from weighbridge.provenance.build_types.interface import Definition, Parts, Reader

_READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        GITHUB_WORKFLOW: github.read_workflow,
        GITHUB_WORKFLOW_COMMUNITY: github.read_workflow,
        GENERATOR_CONTAINER_BASED: github.read_container_based,
    }
)


def parts_of(definition: Definition, /) -> Parts:
    """
    Return what depends on the build type of *definition*.

    Raises:
        ClaimError: The definition does not follow its type, or an artifact among the
            dependencies is named by one digest only.
        LimitExceededError: It has too many parameters.
    """
    if is_gitlab_job(definition.build_type):
        return gitlab.read(definition)
    return _READERS.get(definition.build_type, plain.read)(definition)
