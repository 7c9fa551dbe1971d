"""`weighbridge lineage`."""

from pathlib import Path

import click

from weighbridge.cli.options import FILE, MODEL, only_option, output_options
from weighbridge.cli.policies import boundary_option
from weighbridge.cli.render import show_lineage
from weighbridge.cli.terminal import Session
from weighbridge.core.errors import one_line
from weighbridge.core.lineage import Standing
from weighbridge.pipeline.lineage import claimed_lineage, verified_lineage
from weighbridge.policy.schema import Policy


@click.command("lineage", short_help="Draw what a model was made from, step by step.")
@click.argument("reference", metavar="REF", type=MODEL)
@only_option("--policy", type=FILE, help="Hold every step against the rules of this policy.")
@boundary_option
@output_options("text", "json", "mermaid", "dot")
@click.pass_obj
def command(session: Session, reference: str, policy: Path | None, boundary: str) -> int:
    """
    Draw what the model REF was made from: its builds, their inputs, and theirs.

    Without a policy these are claims that nobody verified. With one, each step is held against
    the rule for its artifact, as `weighbridge check` does it, and the exit code is 10 where the
    lineage does not hold. The model itself is not scanned: for a verdict, check it.
    """
    with session.progress() as progress:
        found = (
            claimed_lineage(reference, progress=progress)
            if policy is None
            else verified_lineage(
                reference, policy=Policy.from_file(policy), boundary=boundary, progress=progress
            )
        )
    show_lineage(session, found.lineage)
    for gap in found.gaps:
        session.talk(f"not read: {one_line(gap.reason)}")
    for reason in found.reasons:
        session.talk(f"{one_line(reason.message)} [{one_line(reason.code)}]")
    return 10 if found.lineage.first.standing is Standing.BROKEN else 0
