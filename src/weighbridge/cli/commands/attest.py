"""`weighbridge attest`."""

from contextlib import suppress
from datetime import UTC, datetime

import click

from weighbridge.cli.building import BuildFlags, build_options
from weighbridge.cli.options import MODEL, only_option, output_options
from weighbridge.cli.render import show_attested_parts, show_attested_scan, show_recorded
from weighbridge.cli.signers import Signing, required_signer, signer_options
from weighbridge.cli.terminal import Session
from weighbridge.core.build_types import COMMAND_BUILD_TYPE
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import Severity


@click.group(short_help="Sign a claim about a model that is there.")
def command() -> None:
    """
    Sign a claim about a model that is there, and append it to the model's claims.

    `weighbridge record` runs a build and sees how it goes. Here the facts are yours: for builds
    that were run elsewhere.
    """


@command.command("build", short_help="Say how a model was built.")
@click.argument("model", type=MODEL)
@build_options
@click.option("--commit", metavar="HEX", help="The commit of the source, in full.")
@click.option("--build-type", default=COMMAND_BUILD_TYPE, show_default=True, help="URI.")
@click.option("--invocation-id", metavar="TEXT", help="Which run of the builder it was.")
@click.option("--started", metavar="TIME", help="When it began, as in 2026-01-31T12:00:00Z.")
@click.option("--finished", metavar="TIME", help="When it was over.")
@click.option(
    "--run", multiple=True, metavar="WORD", help="A word of the command; may be repeated."
)
@signer_options
@output_options("text", "json")
@click.pass_obj
def attest_build_(  # noqa: PLR0913  its options
    session: Session,
    *,
    model: str,
    build: BuildFlags,
    commit: str | None,
    build_type: str,
    invocation_id: str | None,
    started: str | None,
    finished: str | None,
    run: tuple[str, ...],
    signing: Signing,
) -> int:
    """Say how MODEL was built: by whom, from which inputs and source, with which parameters."""
    # Most of what these need is not needed for --help.
    from weighbridge.pipeline.recording.attest import Stated, attest_build  # noqa: PLC0415

    stated = Stated(
        given=build.given(),
        build_type=build_type,
        command=run,
        commit=commit,
        invocation=invocation_id,
        started=_time(started),
        finished=_time(finished),
    )
    signer = required_signer(session, signing)
    with session.progress() as progress:
        recorded = attest_build(model, stated, signer=signer, progress=progress)
    show_recorded(session, recorded)
    return 0


@command.command("convert", short_help="Say from which model another program made this one.")
@click.argument("model", type=MODEL)
@click.option("--to", required=True, metavar="FORMAT", help="The format of MODEL, such as gguf.")
@build_options
@signer_options
@output_options("text", "json")
@click.pass_obj
def attest_convert(
    session: Session, *, model: str, to: str, build: BuildFlags, signing: Signing
) -> int:
    """Say that MODEL was converted from the one input, by a program other than weighbridge."""
    from weighbridge.pipeline.recording.attest import (  # noqa: PLC0415  see `attest_build_`
        Stated,
        attest_build,
        conversion,
    )

    stated = Stated(given=conversion(build.given(), to=to))
    signer = required_signer(session, signing)
    with session.progress() as progress:
        recorded = attest_build(model, stated, signer=signer, progress=progress)
    show_recorded(session, recorded)
    return 0


@command.command("scan", short_help="Scan a model, and sign what came out.")
@click.argument("model", type=MODEL)
@only_option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    default=Severity.MEDIUM.value,
    show_default=True,
    help="The least severity with which the result is that it failed.",
)
@click.option("--name", help="What to call MODEL.  [default: its base name]")
@click.option("--allow-symlinks", is_flag=True, help="Let a link to a file count as that file.")
@signer_options
@output_options("text", "json")
@click.pass_obj
def attest_scan_(
    session: Session,
    *,
    model: str,
    fail_on: str,
    name: str | None,
    allow_symlinks: bool,
    signing: Signing,
) -> int:
    """Scan MODEL, and sign the result as that of a test. Exit code 10 if it failed."""
    from weighbridge.pipeline.recording.attest import (  # noqa: PLC0415  see `attest_build_`
        attest_scan,
    )

    signer = required_signer(session, signing)
    with session.progress() as progress:
        attested = attest_scan(
            model,
            signer=signer,
            bar=Severity(fail_on),
            name=name,
            allow_symlinks=allow_symlinks,
            progress=progress,
            examined=progress.then("scanning"),
        )
    show_attested_scan(session, attested)
    return 10 if attested.failed else 0


@command.command("parts", short_help="Sign digests of parts of a model's files of tensors.")
@click.argument("model", type=MODEL)
@click.option("--name", help="What to call MODEL.  [default: its base name]")
@click.option("--allow-symlinks", is_flag=True, help="Let a link to a file count as that file.")
@signer_options
@output_options("text", "json")
@click.pass_obj
def attest_parts_(
    session: Session, *, model: str, name: str | None, allow_symlinks: bool, signing: Signing
) -> int:
    """Sign digests of the parts of MODEL's tensor files, for loads that read some of them."""
    from weighbridge.pipeline.recording.attest_parts import (  # noqa: PLC0415  see `attest_build_`
        attest_parts,
    )

    signer = required_signer(session, signing)
    with session.progress() as progress:
        attested = attest_parts(
            model, signer=signer, name=name, allow_symlinks=allow_symlinks, progress=progress
        )
    show_attested_parts(session, attested)
    return 0


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    with suppress(ValueError, OverflowError):  # the latter for a zone at the end of all years
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    raise UsageError(
        "this is no time", where=text, expected="a date, a time and a zone: 2026-01-31T12:00:00Z"
    )
