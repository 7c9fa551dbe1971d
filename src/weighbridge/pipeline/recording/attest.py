"""Claims about an artifact that is there: how it was built, by what the caller says, or a scan."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from weighbridge.core.attestation import (
    Artifact,
    Build,
    Outcome,
    Resource,
    ResultOfTests,
    Source,
)
from weighbridge.core.build_types import COMMAND_BUILD_TYPE, CONVERT_BUILD_TYPE
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import Severity
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue
from weighbridge.inventory.progress import Progress
from weighbridge.pipeline.accounting import require_complete
from weighbridge.pipeline.claims.carrying import carry
from weighbridge.pipeline.claims.reading import claims_place
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.pipeline.naming import digests_of
from weighbridge.pipeline.recording.build import command_parameters, recorder_version
from weighbridge.pipeline.recording.git import parse_source
from weighbridge.pipeline.recording.given import Given, Recorded, is_uri
from weighbridge.pipeline.recording.inputs import require_name, take_inputs
from weighbridge.pipeline.recording.taking import take
from weighbridge.pipeline.scan import scan_paths
from weighbridge.provenance.parameters import parameters_of
from weighbridge.provenance.resources import is_commit
from weighbridge.provenance.slsa import PROVENANCE_V1, render_build
from weighbridge.provenance.test_result import render_test_result
from weighbridge.signing.interface import Signer
from weighbridge.sources.local import locate


@frozen
class Stated:
    """
    A build that was run elsewhere, as the caller states it.

    Attributes:
        given: What was given to it.
        build_type: URI of the template that it follows.
        command: What was run, if that is to be said.
        commit: Id of the source's commit, where the source's revision is none.
        invocation: Which run it was.
        started: When it began.
        finished: When it was over.
    """

    given: Given
    build_type: str = COMMAND_BUILD_TYPE
    command: tuple[str, ...] = ()
    commit: str | None = None
    invocation: str | None = None
    started: datetime | None = None
    finished: datetime | None = None


@frozen
class AttestedScan:
    """
    A scan that was signed.

    Attributes:
        claims: The file that the claim is in.
        artifact: What was scanned.
        result: PASSED, WARNED or FAILED.
        failed: Rules that found something at the bar, and codes of gaps.
        warned: Rules that found something below it.
    """

    claims: Path
    artifact: Artifact
    result: str
    failed: tuple[str, ...]
    warned: tuple[str, ...]


def attest_build(
    reference: str, stated: Stated, /, *, signer: Signer, progress: Progress | None = None
) -> Recorded:
    """
    Sign that the artifact was built as *stated*, and append that to its claims.

    Both digests of the artifact and of the inputs are computed here; all else is the caller's
    word. The claims and signatures of the inputs go along.

    Raises:
        UsageError: A reference names nothing, or a fact cannot be in a statement.
        RefusedError, IndeterminateError, NothingToCheckError, OperationError: As for `take`,
            `carry` and `append_claims`.
    """
    stated.given.require_sense()
    _require_build_type(stated.build_type)
    given = stated.given
    handle = locate(reference)
    source = _source(given.source, stated.commit)
    inputs = take_inputs(given.inputs, symlinks=given.symlinks, progress=progress)
    if any(each.handle.root == handle.root for each in inputs):
        raise UsageError("nothing is built from itself", where=reference)
    carried = carry(each.handle for each in inputs)
    output = take(handle, symlinks=given.symlinks, progress=progress).named(
        _name(given.name, handle.name)
    )
    build = Build(
        predicate_type=PROVENANCE_V1,
        build_type=stated.build_type,
        builder_id=given.builder,
        parameters=_parameters(stated),
        source=source,
        inputs=tuple(each.artifact for each in inputs),
        invocation_id=stated.invocation,
        started=stated.started,
        finished=stated.finished,
    )
    claim = signer.sign(render_build(build, artifacts=[output]))
    append_claims(handle, (*carried, claim))
    return Recorded(claims=claims_place(handle), output=output, build=build, carried=len(carried))


def attest_scan(
    reference: str,
    /,
    *,
    signer: Signer,
    bar: Severity,
    name: str | None = None,
    allow_symlinks: bool = False,
    progress: Progress | None = None,
    examined: Progress | None = None,
) -> AttestedScan:
    """
    Scan the artifact, sign what came out, and append that to its claims.

    A finding at *bar* or above fails, and so does whatever could not be examined; a finding below
    it warns. Nobody is asked to believe it in the place of a scan: that is what receipts are for.

    Raises:
        UsageError: The reference names nothing.
        RefusedError, IndeterminateError, NothingToCheckError, OperationError: As for `scan`, and
            where a file cannot be accounted for: no digest is partial.
    """
    handle = locate(reference)
    called = _name(name, handle.name)
    # With the names of globals come the digests of all files, of the bytes that are scanned.
    (report,) = scan_paths(
        (os.fspath(reference),),
        allow_symlinks=allow_symlinks,
        show_globals=True,
        progress=progress,
        examined=examined,
    )
    inventory = report.inventory
    require_complete(inventory.gaps, name=inventory.name)
    binding = digests_of(inventory, inventory.model_entries, root=None).binding
    assert binding is not None
    artifact = Artifact(name=called, binding=binding)
    failed = {f.rule for f in report.findings if f.severity.at_least(bar)}
    failed |= {str(gap.code) for gap in report.gaps}
    warned = {f.rule for f in report.findings} - failed
    result = ResultOfTests(
        outcome=_outcome(failed=bool(failed), warned=bool(warned)),
        configuration=(
            Resource(
                name="weighbridge",
                uri=f"pkg:pypi/weighbridge@{recorder_version()}",
                annotations=(("weighbridge_fail_on", f'"{bar.value}"'),),
            ),
        ),
        failed=tuple(sorted(failed)),
        warned=tuple(sorted(warned)),
    )
    statement = render_test_result(result, artifacts=[artifact])
    append_claims(handle, (signer.sign(statement),))
    return AttestedScan(
        claims=claims_place(handle),
        artifact=artifact,
        result=str(result.outcome),
        failed=result.failed,
        warned=result.warned,
    )


def _outcome(*, failed: bool, warned: bool) -> Outcome:
    if failed:
        return Outcome.FAILED
    return Outcome.WARNED if warned else Outcome.PASSED


def conversion(given: Given, /, *, to: str) -> Given:
    """
    Return *given* as a conversion to the format *to*: of one input.

    Raises:
        UsageError: There is not exactly one input, no format, or `to` is a parameter already.
    """
    if not to.strip():
        raise UsageError("a format has a name", expected="such as gguf", found=repr(to))
    if len(given.inputs) != 1:
        raise UsageError(
            "a conversion has one input", expected="one --input", found=str(len(given.inputs))
        )
    return Given(
        name=given.name,
        inputs=given.inputs,
        source=given.source,
        builder=given.builder,
        parameters=(*given.parameters, ("to", to)),
        allow_symlinks=given.allow_symlinks,
    )


def _name(given: str | None, default: str) -> str:
    name = given or default
    require_name(name)
    return name


def _require_build_type(build_type: str) -> None:
    if not is_uri(build_type):
        raise UsageError("a build type is a URI", expected="SCHEME:REST", found=build_type)
    if build_type == CONVERT_BUILD_TYPE:
        raise UsageError(
            "only weighbridge convert makes claims of this build type",
            found=build_type,
            hint="Say what another program did with --build-type, or leave it out",
        )


def _source(text: str | None, commit: str | None) -> Source | None:
    if text is None:
        if commit is not None:
            raise UsageError(
                "a commit is that of a source", expected="--source with --commit", found="--commit"
            )
        return None
    uri, ref = parse_source(text)
    if ref is not None and is_commit(ref):
        if commit not in {None, ref}:
            raise UsageError("two commits are stated", expected=ref, found=commit)
        return Source(uri=uri, commit=ref)
    if commit is not None and not is_commit(commit):
        raise UsageError(
            "this is no commit's id", expected="40 or 64 lower-case hex digits", found=commit
        )
    return Source(uri=uri, ref=ref, commit=commit)


def _parameters(stated: Stated) -> tuple[tuple[str, str], ...]:
    """Return the parameters: ours below `params`, those of another build type as it has them."""
    given: Sequence[tuple[str, str]] = stated.given.parameters
    if stated.build_type == COMMAND_BUILD_TYPE:
        return command_parameters(stated.command, given)
    named: dict[str, JsonValue] = dict(given)
    if stated.command:
        command: list[JsonValue] = [*stated.command]
        if "command" in named:
            raise UsageError("the parameter 'command' is given twice")
        named["command"] = command
    return parameters_of(named)
