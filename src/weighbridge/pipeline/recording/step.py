"""
Record a step: inputs -> command -> outputs -> statement -> signature -> claims.

1. Everything that can be wrong is found before the command runs: the program, the places, the
   inputs, the source, the claims that will be carried along.
2. The inputs are digested, and the source looked up.
3. The command runs, isolated if that was asked for, and observed where the system can.
4. Nothing is claimed unless it went well, left nothing behind that runs on, and its inputs and
   its source are what they were.
5. The outputs are digested, and one signed statement is appended to their claims, with the claims
   and signatures of the inputs.
"""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.core.attestation import Source
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.limits.sandbox import MAX_STEP_GRACE_SECONDS
from weighbridge.core.values import frozen
from weighbridge.inventory.progress import Progress
from weighbridge.pipeline.claims.carrying import carry
from weighbridge.pipeline.claims.reading import claims_place
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.pipeline.recording.build import Facts, build_of
from weighbridge.pipeline.recording.environment import container_image, packages
from weighbridge.pipeline.recording.git import (
    Checkout,
    find_checkout,
    is_clean,
    require_same_source,
    source_of,
)
from weighbridge.pipeline.recording.given import Given, Recorded, require_text
from weighbridge.pipeline.recording.inputs import (
    GivenInput,
    Input,
    require_name,
    require_unchanged,
    take_inputs,
)
from weighbridge.pipeline.recording.outcome import require_seen, require_success
from weighbridge.pipeline.recording.outputs import (
    linked_files,
    require_apart,
    require_vacant,
    take_output,
)
from weighbridge.pipeline.recording.surroundings import (
    SHARED_MEMORY,
    Surroundings,
    isolated_environment,
    step_environment,
)
from weighbridge.pipeline.recording.undeclared import Undeclared, standard_input, undeclared
from weighbridge.provenance.slsa import render_build
from weighbridge.sandbox.programs import find_program
from weighbridge.sandbox.steps.interface import Isolation, StepOrder, StepReport
from weighbridge.sandbox.steps.launch import run_step
from weighbridge.sandbox.walls.leftovers import remove_tree
from weighbridge.signing.interface import Signer


@frozen
class Step:
    """
    What is to be run and recorded.

    Attributes:
        command: The program and its arguments.
        output: The directory or file that it makes.
        given: What the caller says of it for the record.
        strict: Whether reading something undeclared is a failure.
        isolated: Whether the command is kept to what is declared.
        allow_read: Further files and directories that it may read without their being inputs.
        ports: TCP ports that an isolated command may connect to.
        in_place: Whether the output may be there before, and is then an input.
        quiet_output: Whether the command's standard output goes where its errors go.
        environment: What the command gets.
        grace_seconds: How long it and what it leaves behind may take to end.
    """

    command: tuple[str, ...]
    output: Path
    given: Given = Given()
    strict: bool = False
    isolated: bool = False
    allow_read: tuple[Path, ...] = ()
    ports: tuple[int, ...] = ()
    in_place: bool = False
    quiet_output: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    grace_seconds: int = MAX_STEP_GRACE_SECONDS


@frozen
class _Prepared:
    """All that was found out before the step."""

    program: str
    place: str
    directory: Path
    inputs: tuple[Input, ...]
    checkout: Checkout | None
    source: Source | None
    carried: tuple[bytes, ...]
    surroundings: Surroundings

    @property
    def declared(self) -> tuple[str, ...]:
        return tuple(place for each in self.inputs for place in each.places)


def record(
    step: Step,
    /,
    *,
    signer: Signer,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    progress: Progress | None = None,
) -> Recorded:
    """
    Run the step, and sign how its output was made.

    Raises:
        UsageError: The step cannot be meant so.
        OperationError: The command cannot be run, fails, or what it makes cannot be claimed.
        ArtifactChangedError: An input or the source changed meanwhile.
        ArtifactRefusedError: It read what was not declared, and the step is strict.
        IndeterminateError: Nobody saw all that it read, and the step is strict.
        RefusedError, NothingToCheckError, LimitExceededError: As for `take`, `carry` and
            `append_claims`.
    """
    prepared = _prepare(step, progress)
    started = clock()
    with _isolated(step, prepared) as (isolation, environment):
        order = StepOrder(
            program=prepared.program,
            command=step.command,
            environment=tuple(environment.items()),
            isolation=isolation,
            expected=(*prepared.surroundings.installed, *prepared.surroundings.allowed),
            quiet_output=step.quiet_output,
            grace_seconds=step.grace_seconds,
        )
        report = run_step(order)
        finished = clock()
        require_success(report, command=step.command[0], isolated=step.isolated)
        seen = _seen(step, prepared, report, isolation)
    require_seen(report, seen, strict=step.strict)
    _require_same(step, prepared, progress)
    handle, taken = take_output(
        step.output, place=prepared.place, symlinks=step.given.symlinks, progress=progress
    )
    others = (
        *packages(prepared.surroundings.installed),
        *filter(None, (container_image(step.environment),)),
        *(seen.resources() if seen is not None else ()),
    )
    build = build_of(
        Facts(
            command=step.command,
            parameters=step.given.parameters,
            builder=step.given.builder,
            source=_source(prepared, report, seen),
            inputs=tuple(each.artifact for each in prepared.inputs),
            others=others,
            undeclared=len(seen.paths) if seen is not None else 0,
            isolated=step.isolated,
            report=report,
            invocation=uuid.uuid4().urn,
            started=started,
            finished=finished,
        )
    )
    output = taken.named(_output_name(step))
    claim = signer.sign(render_build(build, artifacts=[output]))
    append_claims(handle, (*prepared.carried, claim))
    return Recorded(
        claims=claims_place(handle),
        output=output,
        build=build,
        carried=len(prepared.carried),
        report=report,
        undeclared=tuple(map(seen.name, seen.paths)) if seen is not None else (),
    )


def _prepare(step: Step, progress: Progress | None) -> _Prepared:
    _require_sense(step)
    program = find_program(step.command[0], step.environment)
    given = step.given.inputs
    if not step.in_place:
        require_vacant(step.output)
    elif step.output.exists() and not _names(given, step.output):
        given = (*given, GivenInput(reference=os.fspath(step.output)))
    inputs = take_inputs(given, symlinks=step.given.symlinks, progress=progress)
    require_apart(step.output, inputs, in_place=step.in_place)
    directory = Path.cwd()
    place = os.path.realpath(step.output)
    checkout = find_checkout(directory, leave_out=_left_out(step, inputs))
    if step.isolated and checkout is not None and checkout.decided_in(place, SHARED_MEMORY):
        # It is asked again afterwards, and would run what the step has put into its configuration.
        checkout = None
    return _Prepared(
        program=program,
        place=place,
        directory=directory,
        inputs=inputs,
        checkout=checkout,
        source=source_of(checkout, step.given.source),
        carried=carry(each.handle for each in inputs),
        surroundings=Surroundings.of(program, step.environment, allowed=step.allow_read),
    )


def _require_sense(step: Step) -> None:
    if not step.command:
        raise UsageError("there is nothing to run", hint="Say weighbridge record ... -- COMMAND")
    require_text(step.command)
    step.given.require_sense()
    require_name(_output_name(step))
    if step.ports and not step.isolated:
        raise UsageError(
            "only an isolated step is kept to ports",
            expected="--isolated with --allow-connect",
            found="--allow-connect alone",
        )


def _output_name(step: Step) -> str:
    return step.given.name or Path(os.path.abspath(step.output)).name  # noqa: PTH100  `..` of a link stays


def _names(given: tuple[GivenInput, ...], output: Path) -> bool:
    place = os.path.realpath(output)
    return any(os.path.realpath(each.reference) == place for each in given)


def _left_out(step: Step, inputs: tuple[Input, ...]) -> tuple[str, ...]:
    """Return the places in a checkout that are no part of the source."""
    return (os.path.realpath(step.output), *(os.fspath(each.handle.root) for each in inputs))


@contextmanager
def _isolated(
    step: Step, prepared: _Prepared
) -> Iterator[tuple[Isolation | None, Mapping[str, str]]]:
    """Give what the command is kept to and gets; a directory of its own is gone afterwards."""
    if not step.isolated:
        yield None, step_environment(step.environment)
        return
    scratch = Path(os.path.realpath(tempfile.mkdtemp(prefix="weighbridge-step-")))
    try:
        try:
            step.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperationError(
                f"the output cannot be made: {error.strerror or error}",
                where=os.fspath(step.output),
                hint="An isolated step writes into a directory",
            ) from error
        checkout = prepared.checkout
        # File by file: a key, or a token in git's own directory, lies in a checkout as well.
        tracked = () if checkout is None else tuple(sorted(checkout.tracked))
        isolation = prepared.surroundings.isolation(
            program=prepared.program,
            declared=(*prepared.declared, *tracked),
            listable=(
                *(place for each in prepared.inputs for place in each.listable),
                *(() if checkout is None else (os.fspath(checkout.root),)),
            ),
            output=step.output,
            scratch=scratch,
            ports=step.ports,
        )
        yield isolation, isolated_environment(step.environment, scratch)
    finally:
        with suppress(OSError):
            remove_tree(os.fspath(scratch))


def _seen(
    step: Step, prepared: _Prepared, report: StepReport, isolation: Isolation | None
) -> Undeclared | None:
    if report.observation is None:
        return None
    return undeclared(
        report.observation,
        declared=prepared.declared,
        checkout=prepared.checkout,
        isolation=isolation,
        directory=prepared.directory,
        given=_given(step, prepared),
    )


def _given(step: Step, prepared: _Prepared) -> Iterator[str]:
    """Give the files that the step had, or gives out, without opening them."""
    expected = (*prepared.surroundings.installed, *prepared.surroundings.allowed)
    for path in (*standard_input(), *linked_files(step.output)):
        if not any(path == place or path.startswith(f"{place}/") for place in expected):
            yield path


def _source(prepared: _Prepared, report: StepReport, seen: Undeclared | None) -> Source | None:
    """Return the source; what lies beside it counts unless it is known not to have been read."""
    if prepared.source is None or prepared.checkout is None:
        return prepared.source
    observation = report.observation
    complete = seen is not None and observation is not None and not observation.blind
    read = seen.paths if complete and seen is not None else None
    return replace(prepared.source, clean=is_clean(prepared.checkout, read))


def _require_same(step: Step, prepared: _Prepared, progress: Progress | None) -> None:
    """Refuse a step whose inputs or source are not what they were; a model in place is."""
    output = os.path.realpath(step.output)
    kept = [each for each in prepared.inputs if os.fspath(each.handle.root) != output]
    require_unchanged(kept, progress=progress)
    if prepared.checkout is not None and prepared.source is not None:
        left_out = _left_out(step, prepared.inputs)
        require_same_source(
            prepared.checkout, find_checkout(prepared.directory, leave_out=left_out)
        )
