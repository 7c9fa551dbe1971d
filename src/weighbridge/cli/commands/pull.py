"""`weighbridge pull`."""

from contextlib import ExitStack
from pathlib import Path

import click

from weighbridge.cli.interrupts import heed_termination
from weighbridge.cli.options import FILE, MODEL, output_options
from weighbridge.cli.policies import policy_options
from weighbridge.cli.render import show_verdict
from weighbridge.cli.terminal import Session
from weighbridge.core.errors import PolicyDeniedError, PolicyIndeterminateError, one_line
from weighbridge.pipeline.pulling import pull, take_back
from weighbridge.policy.schema import Policy


@click.command("pull", short_help="Copy a model's verified bytes into a directory, whole or not.")
@click.argument("reference", metavar="REF", type=MODEL)
@click.argument("destination", metavar="DEST", type=FILE)
@policy_options
@output_options("text", "json")
@click.pass_obj
def command(
    session: Session, reference: str, destination: Path, policy: Path, boundary: str
) -> int:
    """
    Check the model REF, then copy its verified bytes into the directory DEST.

    DEST has to be empty, or not there. Only files that the verdict covers are copied, all of them
    or none, and read only. Exit codes are those of `weighbridge check`; nothing is left in DEST
    unless it is 0.
    """
    heed_termination()
    try:
        with session.progress() as progress:
            done = pull(
                reference,
                destination,
                policy=Policy.from_file(policy),
                boundary=boundary,
                progress=progress,
            )
    except (PolicyDeniedError, PolicyIndeterminateError) as error:
        show_verdict(session, error.verdict)
        return error.exit_code
    with ExitStack() as unless_said:
        unless_said.callback(take_back, done)
        files = "1 file" if len(done.files) == 1 else f"{len(done.files)} files"
        session.talk(f"{files}, {done.size} bytes: {one_line(done.path)}")
        show_verdict(session, done.verdict)
        session.flush()
        unless_said.pop_all()
    return 0
