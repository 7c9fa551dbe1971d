"""`weighbridge demo`."""

from pathlib import Path

import click

from weighbridge.cli.options import output_options
from weighbridge.cli.terminal import Session
from weighbridge.demo.console import Console
from weighbridge.demo.story import run


@click.command("demo", short_help="Watch a real model pass, and six attacks fail.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to work.  [default: a temporary directory]",
)
@click.option(
    "--keyless",
    is_flag=True,
    help="Sign without a key, on a Sigstore test instance that runs as long as the demo.",
)
@click.option("--keep", is_flag=True, help="Leave the files there to look at.")
@output_options("text")
@click.pass_obj
def command(session: Session, directory: Path | None, keyless: bool, keep: bool) -> int:
    """
    Watch a real model pass, and six attacks fail.

    The model goes from its publisher to a loader: inspected, signed, checked against a policy,
    loaded from the verified bytes. Then it is attacked. With --keyless, a workflow that has no
    key signs it, and others try to pass for that workflow. Exit code 0 means that everything
    went as it should, 10 that an attack got through.
    """
    console = Console(stream=session.out, colour=session.colour)
    return run(console, directory=directory, keep=keep, keyless=keyless)
