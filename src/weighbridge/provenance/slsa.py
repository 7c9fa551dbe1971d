"""
SLSA provenance v1: how something was built.

Source: SLSA v1.2, build provenance.
"""

from collections.abc import Sequence
from typing import Final

from weighbridge.core.attestation import Artifact, Build, Resource
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.claims import MAX_STATEMENT_RESOURCES
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.build_types import Definition, parts_of
from weighbridge.provenance.fields import (
    Fields,
    JsonObject,
    optional_mapping,
    optional_object,
    optional_objects,
    optional_text,
    optional_time,
    render_time,
    required_text,
)
from weighbridge.provenance.parameters import render_parameters
from weighbridge.provenance.resources import (
    has_content,
    read_resource,
    read_resources,
    render_artifact,
    render_resource,
    render_source,
)
from weighbridge.provenance.statement import check_written, render_statement

PROVENANCE_V1: Final = "https://slsa.dev/provenance/v1"
"""The predicate's type; minor versions do not change it."""


def read_build(predicate: Fields, /) -> Build:
    """
    Return the build that the provenance *predicate* describes.

    Raises:
        ClaimError: It does not follow the format, or its build type's.
        LimitExceededError: It is beyond a bound.
    """
    definition = predicate.object("buildDefinition")
    run = predicate.object("runDetails")
    metadata = optional_object(run, "metadata")
    build_type = required_text(definition, "buildType")
    parts = parts_of(
        Definition(
            build_type=build_type,
            external=optional_mapping(definition, "externalParameters"),
            internal=optional_mapping(definition, "internalParameters"),
            dependencies=read_resources(definition, "resolvedDependencies"),
            at=f"{definition.at}.resolvedDependencies",
            where=predicate.where,
        )
    )
    return Build(
        predicate_type=PROVENANCE_V1,
        build_type=build_type,
        builder_id=required_text(run.object("builder"), "id"),
        parameters=parts.parameters,
        internal=parts.internal,
        source=parts.source,
        inputs=parts.inputs,
        others=parts.others,
        byproducts=_byproducts(run),
        invocation_id=optional_text(metadata, "invocationId"),
        started=optional_time(metadata, "startedOn"),
        finished=optional_time(metadata, "finishedOn"),
    )


def render_build(build: Build, /, *, artifacts: Sequence[Artifact]) -> bytes:
    """
    Return the statement that *artifacts* were made by *build*: bytes to sign.

    It is always SLSA provenance v1, and read again it gives the same build. So only builds of
    types whose parameters are all of the external ones can be written: ours, and unknown ones.

    Raises:
        UsageError: The build or what it is about cannot be written so that it is read the same.
    """
    if build.predicate_type != PROVENANCE_V1:
        raise UsageError(
            "only one kind of provenance is written",
            expected=repr(PROVENANCE_V1),
            found=repr(build.predicate_type),
        )
    definition: JsonObject = {
        "buildType": build.build_type,
        "externalParameters": render_parameters(build.parameters),
        "resolvedDependencies": _dependencies(build),
    }
    if build.internal:
        definition["internalParameters"] = render_parameters(build.internal)
    predicate: JsonObject = {"buildDefinition": definition, "runDetails": _run(build)}
    check_written(predicate, build, read_build)
    return render_statement(artifacts=artifacts, predicate_type=PROVENANCE_V1, predicate=predicate)


def _byproducts(run: Fields) -> tuple[Resource, ...]:
    """Read what else there is; one platform has empty ones, which say nothing."""
    items = optional_objects(run, "byproducts", limit=MAX_STATEMENT_RESOURCES)
    return tuple(
        read_resource(item)
        for item in items
        if "digest" in item or "uri" in item or has_content(item)
    )


def _dependencies(build: Build) -> list[JsonValue]:
    written: list[JsonValue] = []
    if build.source is not None:
        written.append(render_source(build.source))
    for artifact in build.inputs:
        written.extend(render_artifact(artifact))
    written.extend(render_resource(other) for other in build.others)
    return written


def _run(build: Build) -> JsonObject:
    run: JsonObject = {"builder": {"id": build.builder_id}}
    metadata: JsonObject = {}
    if build.invocation_id is not None:
        metadata["invocationId"] = build.invocation_id
    if build.started is not None:
        metadata["startedOn"] = render_time(build.started)
    if build.finished is not None:
        metadata["finishedOn"] = render_time(build.finished)
    if metadata:
        run["metadata"] = metadata
    if build.byproducts:
        run["byproducts"] = [render_resource(product) for product in build.byproducts]
    return run
