"""`weighbridge explain`."""

import click

from weighbridge.cli.options import output_options
from weighbridge.cli.terminal import Session
from weighbridge.record.catalogue import explanation


@click.command("explain", short_help="Explain an error code or a rule.")
@click.argument("code")
@output_options("text")
@click.pass_obj
def command(session: Session, code: str) -> int:
    """
    Explain an error code or a rule: what it means, why it matters, what to do.

    CODE is what stands in brackets at the end of a message.
    """
    session.write(explanation(code.strip("[]")))
    return 0
