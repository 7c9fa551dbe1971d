"""`weighbridge unpickle`."""

from pathlib import Path

import click

from weighbridge.cli.interrupts import heed_termination
from weighbridge.cli.options import MODEL, output_options
from weighbridge.cli.policies import policy_options
from weighbridge.cli.render import show_unpickled
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.unpickling.unpickle import unpickle
from weighbridge.policy.schema import Policy


@click.command("unpickle", short_help="Show what a pickle holds, opened behind walls.")
@click.argument("reference", metavar="REF", type=MODEL)
@policy_options
@click.option("--file", help="The file of REF.  [default: the only one with a pickle in it]")
@click.option(
    "--output",
    type=MODEL,
    help="Write arrays and plain values to this directory, or arrays to this *.safetensors.",
)
@click.option(
    "--engine",
    type=click.Choice(["bubblewrap", "direct"]),
    help="What isolates.  [default: the stronger one that works here]",
)
@output_options("text", "json")
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    reference: str,
    policy: Path,
    boundary: str,
    file: str | None,
    output: str | None,
    engine: str | None,
) -> int:
    """
    Check the model REF, then show what its pickle holds.

    The file is opened by a process of its own behind walls: it sees these verified bytes, no
    network, no other process, and changes nothing. It is given names of the allow-list only, or
    anything where the rule says isolation.unpickle = "anything". Back come arrays and plain values,
    and descriptions of all other objects. --output writes them, whole or not at all.
    """
    heed_termination()
    with session.progress() as progress:
        found = unpickle(
            reference,
            policy=Policy.from_file(policy),
            boundary=boundary,
            file=file,
            output=output,
            engine=engine,
            progress=progress,
        )
    show_unpickled(session, found)
    if output is not None and output.endswith(".safetensors"):
        session.talk("plain values were not written: name a directory to have them as JSON")
    return 0
