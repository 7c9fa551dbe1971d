"""`weighbridge inspect`."""

import click

from weighbridge.cli.options import MODEL, output_options
from weighbridge.cli.render import show_inspection
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.describe import inspect


@click.command("inspect", short_help="Show what a model is made of and what in it can execute.")
@click.argument("reference", metavar="REF", type=MODEL)
@click.option("--allow-symlinks", is_flag=True, help="Let a link to a file count as that file.")
@output_options("text", "json")
@click.pass_obj
def command(session: Session, reference: str, allow_symlinks: bool) -> int:
    """
    Show what the model REF is made of and what in it can execute.

    Formats are told from the bytes, never from the name. Nothing is judged and no signature is
    verified: see `scan`, `verify` and `check`.
    """
    with session.progress() as progress:
        inspection = inspect(reference, allow_symlinks=allow_symlinks, progress=progress)
    show_inspection(session, inspection)
    return 0
