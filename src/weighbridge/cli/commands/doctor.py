"""`weighbridge doctor`."""

import click

from weighbridge.cli.options import output_options
from weighbridge.cli.render import show_capabilities
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.installation import capabilities, engine_reports


@click.command("doctor", short_help="Show what this installation can do, and what is missing.")
@output_options("text", "json")
@click.pass_obj
def command(session: Session) -> int:
    """
    Show what this installation can do, and what is missing.

    The section about isolation says of each engine what holds on this machine, what is missing,
    and which command to run or which setting to change.
    """
    show_capabilities(session, capabilities(), engine_reports())
    return 0
