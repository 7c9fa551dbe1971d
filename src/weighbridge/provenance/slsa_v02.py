"""
SLSA provenance v0.2, which other platforms still write; it is read and never written.

Parameters have the names under which they stand in the provenance: `configSource.entryPoint`,
`parameters.inputs.epochs`, `buildConfig.steps`. The environment is the builder's, but for the
inputs of a GitHub event, which whoever started the build chose.

Source: SLSA v0.2, provenance; the SLSA GitHub generator and GitLab's runner, as they write it.
"""

from typing import Final

from weighbridge.core.attestation import Build, Resource, Source
from weighbridge.core.build_types import GENERATOR_V02, is_gitlab_job
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.build_types import gitlab
from weighbridge.provenance.fields import (
    Fields,
    JsonObject,
    optional_mapping,
    optional_object,
    optional_text,
    optional_time,
    required_text,
)
from weighbridge.provenance.parameters import collapsed, parameters_of
from weighbridge.provenance.resources import read_resource, read_resources, source_of

PROVENANCE_V02: Final = "https://slsa.dev/provenance/v0.2"
"""The predicate's type."""

_EVENT_PAYLOADS: Final = ("github_event_payload", "GITHUB_EVENT_PAYLOAD")
_CHOSEN_OF_EVENT: Final = ("inputs", "client_payload")


def read_build(predicate: Fields, /) -> Build:
    """
    Return the build that the provenance *predicate* describes.

    Raises:
        ClaimError: It does not follow the format.
        LimitExceededError: It is beyond a bound.
    """
    build_type = required_text(predicate, "buildType")
    invocation = optional_object(predicate, "invocation")
    metadata = optional_object(predicate, "metadata")
    config = _config_source(invocation)
    materials = read_resources(predicate, "materials")
    project = None
    if config is not None and is_gitlab_job(build_type):
        project = gitlab.project(config, config.uri)
    stated = config if project is None else project.resource
    source, others = _source(stated, materials)
    said = source is not None and stated is not None and source_of(stated) == source
    parameters = parameters_of(_chosen(predicate, invocation, build_type, source_is_said=said))
    if is_gitlab_job(build_type):
        given = optional_mapping(invocation, "parameters")
        parameters = tuple(sorted((*parameters, *collapsed("parameters", given))))
    return Build(
        predicate_type=PROVENANCE_V02,
        build_type=build_type,
        builder_id=required_text(predicate.object("builder"), "id"),
        parameters=parameters,
        internal=parameters_of({"environment": optional_mapping(invocation, "environment")}),
        source=source,
        others=others,
        invocation_id=optional_text(metadata, "buildInvocationId")
        or optional_text(metadata, "buildInvocationID"),
        started=optional_time(metadata, "buildStartedOn"),
        finished=optional_time(metadata, "buildFinishedOn"),
    )


def _config_source(invocation: Fields) -> Resource | None:
    """Read where the configuration of the build came from, where the provenance says so."""
    config = optional_object(invocation, "configSource")
    return read_resource(config) if optional_text(config, "uri") is not None else None


def _source(
    stated: Resource | None, materials: tuple[Resource, ...]
) -> tuple[Source | None, tuple[Resource, ...]]:
    """
    Return the source, and the other materials.

    The configuration's source and the materials have to name one commit of one repository, under
    one ref where they name any.
    """
    candidates = materials if stated is None else (stated, *materials)
    found = {r: s for r in candidates if (s := source_of(r)) is not None and s.commit is not None}
    named = {(source.uri, source.commit) for source in found.values()}
    refs = {source.ref for source in found.values() if source.ref is not None}
    if len(named) != 1 or len(refs) > 1:
        return None, materials
    ((uri, commit),) = named
    source = Source(uri=uri, ref=next(iter(refs), None), commit=commit)
    return source, tuple(r for r in materials if r not in found)


def _chosen(
    predicate: Fields, invocation: Fields, build_type: str, *, source_is_said: bool
) -> JsonObject:
    """Return what whoever started the build chose, besides the source."""
    config = optional_mapping(invocation, "configSource")
    if source_is_said:
        config = {key: config[key] for key in config if key not in {"uri", "digest"}}
    chosen: JsonObject = {
        "configSource": config,
        "buildConfig": predicate.value("buildConfig") if "buildConfig" in predicate else None,
    }
    if not is_gitlab_job(build_type):
        chosen["parameters"] = optional_mapping(invocation, "parameters")
    if build_type in GENERATOR_V02:
        chosen["environment"] = _event(optional_mapping(invocation, "environment"))
    return chosen


def _event(environment: JsonObject) -> JsonObject:
    """Return of a GitHub event what a person or a program sent along."""
    chosen: JsonObject = {}
    for name in _EVENT_PAYLOADS:
        payload = environment.get(name)
        if isinstance(payload, dict):
            sent: dict[str, JsonValue] = {k: payload[k] for k in _CHOSEN_OF_EVENT if k in payload}
            chosen[name] = sent
    return chosen
