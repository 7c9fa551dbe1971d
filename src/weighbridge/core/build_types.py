"""
The build types that are known: templates of builds, of which it is known what a caller can choose.

How each of them maps to a `Build` is the business of `provenance/`; the policy asks only whether
one is known.
"""

import re
from typing import Final

COMMAND_BUILD_TYPE: Final = "urn:weighbridge:build-type:command:v1"
"""A command that was run by `weighbridge record`, or described by `weighbridge attest build`."""

CONVERT_BUILD_TYPE: Final = "urn:weighbridge:build-type:convert:v1"
"""A conversion by `weighbridge convert`, of which no step executes anything of the model."""

BUILDER_ID: Final = "urn:weighbridge:builder:local"
"""The builder where nobody names another one: whoever signed, on a machine of their own."""

GITHUB_WORKFLOW: Final = "https://actions.github.io/buildtypes/workflow/v1"
"""A workflow of GitHub Actions, as GitHub's artifact attestations describe it."""

GITHUB_WORKFLOW_COMMUNITY: Final = (
    "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1"
)
"""The same as the SLSA community describes it, with inputs and variables."""

_GENERATOR: Final = "https://github.com/slsa-framework/slsa-github-generator"

GENERATOR_DELEGATOR: Final = f"{_GENERATOR}/delegator-generic@v0"
"""A build that a repository's own workflow delegates to the SLSA GitHub generator."""

GENERATOR_CONTAINER_BASED: Final = "https://slsa.dev/container-based-build/v0.1?draft"
"""A build in a container by the SLSA GitHub generator."""

GENERATOR_V02: Final = frozenset(
    {
        f"{_GENERATOR}/generic@v1",
        f"{_GENERATOR}/go@v1",
        f"{_GENERATOR}/container@v1",
        f"{_GENERATOR}@v1",
    }
)
"""Builds of the SLSA GitHub generator that it describes by provenance v0.2."""

LINK: Final = "https://in-toto.io/attestation/link/v0.3"
"""An in-toto link: a step of a layout, with a command."""

WITNESS: Final = "https://witness.testifysec.com/attestation-collection/v0.1"
"""A collection of Witness: a step, with what its attestors saw."""

GITLAB_JOB: Final = "https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1"
"""A job of GitLab's, as GitLab itself attests it."""

_GITLAB_RUNNER: Final = re.compile(
    r"https://gitlab\.com/gitlab-org/gitlab-runner/-/blob/[A-Za-z0-9._-]{1,64}/PROVENANCE\.md"
)

_OF_REPOSITORY: Final = frozenset(
    {
        GITHUB_WORKFLOW,
        GITHUB_WORKFLOW_COMMUNITY,
        GENERATOR_DELEGATOR,
        GENERATOR_CONTAINER_BASED,
        *GENERATOR_V02,
    }
)

KNOWN_BUILD_TYPES: Final = frozenset(
    {
        COMMAND_BUILD_TYPE,
        CONVERT_BUILD_TYPE,
        GITHUB_WORKFLOW,
        GITHUB_WORKFLOW_COMMUNITY,
        GENERATOR_DELEGATOR,
        GENERATOR_CONTAINER_BASED,
        GITLAB_JOB,
        LINK,
        WITNESS,
        *GENERATOR_V02,
    }
)
"""All of them that have one URI; those of GitLab's runner have its version in theirs."""


def is_of_repository(build_type: str, /) -> bool:
    """
    Tell whether the source of a build of *build_type* is the repository whose workflow ran.

    Then the platform's identity provider knows the source as well.
    """
    return build_type in _OF_REPOSITORY or is_gitlab_job(build_type)


def is_gitlab_job(build_type: str, /) -> bool:
    """Tell whether *build_type* is GitLab's, or that of its runner in any of its versions."""
    return build_type == GITLAB_JOB or _GITLAB_RUNNER.fullmatch(build_type) is not None


def is_known_build_type(build_type: str, /) -> bool:
    """
    Tell whether it is known what whoever started a build of *build_type* could choose.

    Of any other one all external parameters are read as they stand, but nobody knows what they
    do; a policy has to name it.
    """
    return build_type in KNOWN_BUILD_TYPES or is_gitlab_job(build_type)
