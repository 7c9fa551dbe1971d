"""`weighbridge digest`."""

import click

from weighbridge.cli.options import MODEL, output_options
from weighbridge.cli.render import show_digests
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.describe import digest


@click.command("digest", short_help="Print the digests that name a model.")
@click.argument("reference", metavar="REF", type=MODEL)
@click.option("--allow-symlinks", is_flag=True, help="Let a link to a file count as that file.")
@output_options("text", "json")
@click.pass_obj
def command(session: Session, reference: str, allow_symlinks: bool) -> int:
    """
    Print the digests that name the model REF.

    `oms` is the root digest of the signature format, which does not bind file names. `names` is
    the SHA-256 over the sorted lines of file digest and path, which does.
    """
    with session.progress() as progress:
        digests = digest(reference, allow_symlinks=allow_symlinks, progress=progress)
    show_digests(session, digests)
    return 0
