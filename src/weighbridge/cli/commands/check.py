"""`weighbridge check`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from weighbridge.cli.options import FILE, MODEL, output_options
from weighbridge.cli.policies import policy_options
from weighbridge.cli.render import show_receipt, show_verdict
from weighbridge.cli.signers import Signing, signer_from, signer_options
from weighbridge.cli.terminal import Session
from weighbridge.core.errors import UsageError
from weighbridge.core.verdict import Decision
from weighbridge.pipeline.check import check
from weighbridge.policy.schema import Policy

_EXIT_CODES = {Decision.ALLOW: 0, Decision.DENY: 10, Decision.INDETERMINATE: 11}


@click.command("check", short_help="Check a model against a policy: one verdict, with its reasons.")
@click.argument("reference", metavar="REF", type=MODEL)
@policy_options
@click.option("--receipt", type=FILE, help="Write the verdict there, for others to rely on.")
@signer_options
@output_options("text", "json", "sarif")
@click.pass_obj
def command(
    session: Session,
    reference: str,
    policy: Path,
    boundary: str,
    receipt: Path | None,
    signing: Signing,
) -> int:
    """
    Check the model REF against a policy.

    Exit code 0 means allow, 10 deny, 11 that nobody can tell. The verdict is about the bytes
    that were read; `weighbridge.load` gives a program those bytes and no others.

    A receipt names the model and the policy by their digests, and the decision. Signed, another
    policy can rely on it instead of another scan; without a signer nobody does.
    """
    if receipt is None and signing.names_any:
        raise UsageError("there is nothing to sign", expected="--receipt with a signer")
    if receipt is not None:
        from weighbridge.pipeline.receipts import require_place  # noqa: PLC0415  few want one

        require_place(receipt, reference=reference, policy=policy)
    signer = None if receipt is None else signer_from(session, signing)
    # Read before the files are: what is said to hold at a time has to have held then.
    at = datetime.now(UTC)
    with session.progress() as progress:
        verdict = check(
            reference, policy=Policy.from_file(policy), boundary=boundary, progress=progress
        )
    if receipt is not None:
        from weighbridge.pipeline.receipts import write_receipt  # noqa: PLC0415  few want one

        written = write_receipt(verdict, receipt, reference=reference, at=at, signer=signer)
        show_receipt(session, written)
    show_verdict(session, verdict)
    return _EXIT_CODES[verdict.decision]
