"""`weighbridge exec`."""

from pathlib import Path

import click

from weighbridge.cli.options import FILE
from weighbridge.cli.policies import policy_options
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.guard.command import execute, make_order


@click.command(
    "exec",
    short_help="Run a program that loads nothing the policy does not allow.",
    context_settings={"allow_interspersed_args": False},
)
@policy_options
@click.option("--audit", is_flag=True, help="Only record what would have been denied.")
@click.option("--log", type=FILE, help="Append a line of JSON for each decision to this file.")
@click.argument(
    "arguments", metavar="-- COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED
)
@click.pass_obj
def command(
    session: Session,
    policy: Path,
    boundary: str,
    audit: bool,
    log: Path | None,
    arguments: tuple[str, ...],
) -> int:
    """
    Run COMMAND with the guard in it and in every Python that it starts.

    Entry points of frameworks get verified bytes or an error. The exit code is the command's.
    """
    del session
    execute(arguments, make_order(policy, boundary=boundary, audit=audit, log=log))
