"""`weighbridge record`."""

from pathlib import Path

import click

from weighbridge.cli.building import BuildFlags, build_options
from weighbridge.cli.interrupts import EXIT_INTERRUPTED, heed_termination
from weighbridge.cli.options import FILE, output_options
from weighbridge.cli.render import show_recorded
from weighbridge.cli.signers import Signing, required_signer, signer_options
from weighbridge.cli.terminal import Session


@click.command(
    "record",
    short_help="Run a step of a build, and sign how its output was made.",
    context_settings={"allow_interspersed_args": False},
)
@click.option("--output", type=FILE, required=True, help="What the command makes.")
@build_options
@click.option("--strict", is_flag=True, help="Fail if the command reads what is not declared.")
@click.option("--isolated", is_flag=True, help="Keep the command to what is declared.")
@click.option(
    "--allow-read",
    type=FILE,
    multiple=True,
    help="Let the command read this file or directory without its being an input.",
)
@click.option(
    "--allow-connect",
    type=click.IntRange(1, 65535),
    multiple=True,
    metavar="PORT",
    help="Let an isolated command connect to this TCP port; may be repeated.",
)
@click.option("--in-place", is_flag=True, help="The output is there, and the command changes it.")
@signer_options
@output_options("text", "json")
@click.argument("command", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(  # noqa: PLR0913  its options
    session: Session,
    *,
    command: tuple[str, ...],
    output: Path,
    strict: bool,
    isolated: bool,
    allow_read: tuple[Path, ...],
    allow_connect: tuple[int, ...],
    in_place: bool,
    signing: Signing,
    build: BuildFlags,
) -> int:
    """
    Run COMMAND, and sign how what it makes was made: from which inputs, source and parameters.

    The statement is appended to the output's claims. A command that fails makes no claim.
    """
    # What starts and watches steps is imported when one is recorded, not for --help.
    from weighbridge.pipeline.recording.step import Step, record  # noqa: PLC0415  see above

    step = Step(
        command=command,
        output=output,
        given=build.given(),
        strict=strict,
        isolated=isolated,
        allow_read=allow_read,
        ports=allow_connect,
        in_place=in_place,
        quiet_output=session.format != "text",
    )
    signer = required_signer(session, signing)
    # An isolated step has a directory of its own, which is to be gone afterwards.
    heed_termination()
    try:
        with session.progress() as progress:
            recorded = record(step, signer=signer, progress=progress)
    except KeyboardInterrupt:
        session.talk("interrupted; no claim was made")
        return EXIT_INTERRUPTED
    show_recorded(session, recorded)
    return 0
