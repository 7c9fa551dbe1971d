"""`weighbridge doctor`."""

import click

from weighbridge.cli.options import output_options
from weighbridge.cli.render import show_capabilities
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.installation import capabilities


@click.command("doctor", short_help="Show what this installation can do, and what is missing.")
@output_options("text", "json")
@click.pass_obj
def command(session: Session) -> int:
    """Show what this installation can do, and what is missing."""
    show_capabilities(session, capabilities())
    return 0
