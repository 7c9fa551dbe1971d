"""A step that was run, as the build that its statement describes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from weighbridge.core.attestation import Artifact, Build, Resource, Source
from weighbridge.core.build_types import COMMAND_BUILD_TYPE
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.parameters import parameters_of
from weighbridge.provenance.slsa import PROVENANCE_V1
from weighbridge.sandbox.steps.interface import BY, StepReport


@frozen
class Facts:
    """
    What is known of a step when it is over.

    Attributes:
        command: What was run.
        parameters: Pairs of a name and a value that the caller gave for the record.
        builder: URI of the builder.
        source: What it was made from.
        inputs: The artifacts that it was made from.
        others: What else it used.
        undeclared: How many files it read that nobody declared.
        isolated: Whether it was kept to what was declared.
        report: How it went.
        invocation: Which run it was.
        started: When it began.
        finished: When it was over.
    """

    command: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    builder: str
    source: Source | None
    inputs: tuple[Artifact, ...]
    others: tuple[Resource, ...]
    undeclared: int
    isolated: bool
    report: StepReport
    invocation: str
    started: datetime
    finished: datetime


def build_of(facts: Facts, /) -> Build:
    """Return the build that *facts* make, with everything that the caller chose as a parameter."""
    return Build(
        predicate_type=PROVENANCE_V1,
        build_type=COMMAND_BUILD_TYPE,
        builder_id=facts.builder,
        parameters=command_parameters(facts.command, facts.parameters),
        internal=parameters_of(_internal(facts)),
        source=facts.source,
        inputs=facts.inputs,
        others=distinct(facts.others),
        invocation_id=facts.invocation,
        started=facts.started,
        finished=facts.finished,
    )


def command_parameters(
    command: Sequence[str], given: Iterable[tuple[str, str]], /
) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a build by *command*; the caller's own are under `params`."""
    external: dict[str, JsonValue] = {}
    if command:
        external["command"] = list(command)
    params: Mapping[str, JsonValue] = dict(given)
    if params:
        external["params"] = dict(params)
    return parameters_of(external)


def distinct(resources: Iterable[Resource], /) -> tuple[Resource, ...]:
    """Return *resources*, each once."""
    return tuple(dict.fromkeys(resources))


def _internal(facts: Facts) -> dict[str, JsonValue]:
    """Return what was enforced and what was seen; never more than the runner says."""
    report = facts.report
    seen = report.observation
    observation: dict[str, JsonValue] = {"observed": seen is not None}
    if seen is not None:
        observation |= {
            "by": BY,
            "complete": not seen.blind,
            "network": seen.network,
            "undeclared": facts.undeclared,
        }
    return {
        "isolated": facts.isolated,
        "enforced": [str(measure) for measure in report.enforced],
        "observation": observation,
        "ended": report.ended,
        "recorder": {"name": "weighbridge", "version": recorder_version()},
    }


def recorder_version() -> str:
    """Return the version of this installation, as statements name it."""
    try:
        return version("weighbridge")
    except PackageNotFoundError:
        return "unknown"
