"""`weighbridge check`."""

from pathlib import Path

import click

from weighbridge.cli.options import FILE, MODEL, output_options
from weighbridge.cli.render import show_verdict
from weighbridge.cli.terminal import Session
from weighbridge.core.verdict import Decision
from weighbridge.pipeline.check import DEFAULT_BOUNDARY, check
from weighbridge.policy.schema import Policy

_EXIT_CODES = {Decision.ALLOW: 0, Decision.DENY: 10, Decision.INDETERMINATE: 11}


@click.command("check", short_help="Check a model against a policy: one verdict, with its reasons.")
@click.argument("reference", metavar="REF", type=MODEL)
@click.option("--policy", type=FILE, required=True, help="The policy, such as weighbridge.toml.")
@click.option(
    "--boundary",
    default=DEFAULT_BOUNDARY,
    show_default=True,
    help="Where the policy is applied: upload, download, deploy, load, ...",
)
@output_options("text", "json", "sarif")
@click.pass_obj
def command(session: Session, reference: str, policy: Path, boundary: str) -> int:
    """
    Check the model REF against a policy.

    Exit code 0 means allow, 10 deny, 11 that nobody can tell. The verdict is about the bytes
    that were read; `weighbridge.load` gives a program those bytes and no others.
    """
    with session.progress() as progress:
        verdict = check(
            reference, policy=Policy.from_file(policy), boundary=boundary, progress=progress
        )
    show_verdict(session, verdict)
    return _EXIT_CODES[verdict.decision]
