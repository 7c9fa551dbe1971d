"""`weighbridge bom`."""

from pathlib import Path

import click

from weighbridge.cli.options import FILE, MODEL, only_option, output_options
from weighbridge.cli.policies import boundary_option
from weighbridge.cli.render import show_bill
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.bill import make_bill
from weighbridge.pipeline.output import require_other
from weighbridge.policy.schema import Policy


@click.command("bom", short_help="Write a model's bill of materials: CycloneDX or SPDX.")
@click.argument("reference", metavar="REF", type=MODEL)
@only_option("--policy", type=FILE, help="Whose signatures count; without one nothing is verified.")
@boundary_option
@click.option("--allow-symlinks", is_flag=True, help="Let a link to a file count as that file.")
@click.option("--output", type=FILE, help="The file to write.  [default: standard output]")
@output_options("cyclonedx", "spdx")
@click.pass_obj
def command(
    session: Session,
    reference: str,
    policy: Path | None,
    boundary: str,
    allow_symlinks: bool,
    output: Path | None,
) -> int:
    """
    Write the bill of materials of the model REF, as CycloneDX 1.6 or SPDX 3.0.1.

    Every field says whether it is verified or claimed. Digests, formats and the number of
    parameters are computed. Signers and builds are verified where a policy names whom to believe.
    What the model's card and configuration say is claimed.

    The exit code is 0 also where the policy denies: the bill then says so.
    """
    if output is not None:
        require_other(output, reference, *() if policy is None else (policy,))
    with session.progress() as progress:
        bill = make_bill(
            reference,
            policy=None if policy is None else Policy.from_file(policy),
            boundary=boundary,
            allow_symlinks=allow_symlinks,
            progress=progress,
        )
    show_bill(session, bill, output=output)
    return 0
