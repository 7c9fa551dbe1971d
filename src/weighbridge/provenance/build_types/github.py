"""
Builds of GitHub Actions: GitHub's artifact attestations, and the SLSA GitHub generator.

The workflow that ran is a parameter of theirs. Its repository and ref are those of the source;
its path is not, and stays a parameter.

Sources: https://actions.github.io/buildtypes/workflow/v1;
https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1;
https://slsa.dev/container-based-build/v0.1.
"""

from weighbridge.provenance.build_types import plain
from weighbridge.provenance.build_types.interface import Definition, Parts, without
from weighbridge.provenance.fields import fields, required_text
from weighbridge.provenance.resources import read_resource, source_of


def read_workflow(definition: Definition, /) -> Parts:
    """
    Read the definition of a workflow, of which GitHub says what it was run on.

    Raises:
        ClaimError: It does not say which workflow ran.
    """
    workflow = fields(
        definition.external.get("workflow"),
        at="externalParameters.workflow",
        where=definition.where,
    )
    required_text(workflow, "path")
    repository, ref = required_text(workflow, "repository"), required_text(workflow, "ref")
    stated = f"git+{repository}@{ref}"
    parts = plain.split(definition, stated=stated)
    if parts.source is None or parts.source.label != stated:
        return parts
    return without(parts, {"workflow.repository", "workflow.ref"})


def read_container_based(definition: Definition, /) -> Parts:
    """
    Read the definition of a build in a container, which has its source as a resource.

    Raises:
        ClaimError: The source is no resource.
    """
    parts = plain.split(definition)
    if parts.source is None or "source" not in definition.external:
        return parts
    resource = read_resource(
        fields(
            definition.external["source"], at="externalParameters.source", where=definition.where
        )
    )
    if source_of(resource) != parts.source:
        return parts
    return without(
        parts, {"source.uri", *(f"source.digest.{name}" for name, _ in resource.digests)}
    )
