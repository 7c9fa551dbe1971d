"""`weighbridge policy`."""

from pathlib import Path
from typing import Final

import click

from weighbridge.cli.options import FILE, MODEL, only_option, output_options
from weighbridge.cli.policies import boundary_option
from weighbridge.cli.render import show_cases, show_explanation
from weighbridge.cli.terminal import Session
from weighbridge.core.errors import UsageError, one_line
from weighbridge.pipeline.output import write_whole
from weighbridge.pipeline.policies import rehearse, select_for
from weighbridge.policy.schema import Policy
from weighbridge.policy.template import starter_policy
from weighbridge.policy.trust import CertificateTrust, KeyTrust
from weighbridge.policy.view import policy_toml

_PUBLIC: Final = "publisher.pub"

policy_option = only_option(
    "--policy",
    type=FILE,
    default=Path("weighbridge.toml"),
    show_default=True,
    help="The policy.",
)


@click.group("policy", short_help="Begin, show, test and explain policies.")
def command() -> None:
    """Begin, show, test and explain policies."""


@command.command("init")
@click.option(
    "--output",
    type=FILE,
    default=Path("weighbridge.toml"),
    show_default=True,
    help="Where to write it.",
)
@click.option("--name", default="publisher", show_default=True, help="What to call the signer.")
@click.option("--match", multiple=True, help="Which references the rule is for.  [default: **]")
@click.option("--public-key", help="The signer's public key.  [default: publisher.pub]")
@click.option("--certificate-chain", help="Or: the roots of the signer's certificate.")
@click.option("--subject", help="With --certificate-chain: the certificate's subject.")
@click.option("--identity", help="With --certificate-chain: a name in the certificate.")
@output_options("text")
@click.pass_obj
def init(
    session: Session,
    output: Path,
    name: str,
    match: tuple[str, ...],
    public_key: str | None,
    certificate_chain: str | None,
    subject: str | None,
    identity: str | None,
) -> int:
    """
    Write a strict policy to start from.

    An existing file is never replaced. Paths of keys are relative to the policy.
    """
    trust: KeyTrust | CertificateTrust
    if certificate_chain is None:
        if subject or identity:
            raise UsageError("--subject and --identity go with --certificate-chain")
        trust = KeyTrust(name=name, public_key=_PUBLIC if public_key is None else public_key)
    elif public_key is not None:
        raise UsageError("a signer has a public key or a certificate, not both")
    else:
        trust = CertificateTrust(
            name=name,
            certificate_chain=certificate_chain,
            subject=subject,
            identity=identity,
            san_uri=None,
            any_identity=False,
        )
    try:
        text = starter_policy(trust, match=match or ("**",)).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            "a policy is UTF-8, and a name in it is not", found=error.object
        ) from error
    # What the template makes of these words has to be a policy: an empty identity is not.
    Policy.from_toml(text, path=str(output))
    write_whole(output, text, replace=False)
    session.write(f"wrote {one_line(str(output))}")
    return 0


@command.command("show")
@policy_option
@output_options("text")
@click.pass_obj
def show_policy(session: Session, policy: Path) -> int:
    """Print the policy with nothing left to defaults."""
    session.write(policy_toml(Policy.from_file(policy)))
    return 0


@command.command("test")
@policy_option
@click.option("--cases", type=FILE, help="The cases.  [default: weighbridge.test.toml beside it]")
@output_options("text", "json")
@click.pass_obj
def test(session: Session, policy: Path, cases: Path | None) -> int:
    """
    Evaluate the policy for a table of cases.

    Exit code 10 when a case comes out otherwise than expected.
    """
    results = rehearse(Policy.from_file(policy), cases=cases)
    show_cases(session, results)
    return 0 if all(result.passed for result in results) else 10


@command.command("explain")
@click.argument("reference", metavar="REF", type=MODEL)
@policy_option
@boundary_option
@output_options("text", "json")
@click.pass_obj
def explain(session: Session, reference: str, policy: Path, boundary: str) -> int:
    """
    Say which rule would decide about REF, and why no earlier one does.

    REF does not have to exist.
    """
    selection = select_for(reference, Policy.from_file(policy), boundary=boundary)
    show_explanation(session, selection)
    return 0
