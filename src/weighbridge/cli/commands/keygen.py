"""`weighbridge keygen`."""

import sys
from pathlib import Path

import click

from weighbridge.cli.kinds import ALGORITHMS, warn_of_kind
from weighbridge.cli.options import FILE, output_options
from weighbridge.cli.passwords import ENVIRONMENT_NAME, given_password
from weighbridge.cli.render import show_key
from weighbridge.cli.terminal import Session
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, UsageError
from weighbridge.pipeline.keys import ELLIPTIC, make_key


@click.command("keygen", short_help="Make a key pair to sign models with.")
@click.argument("private_key", metavar="FILE", type=FILE)
@click.option(
    "--curve",
    type=click.Choice(["P-256", "P-384", "P-521"]),
    help="The elliptic curve.  [default: P-256]",
)
@click.option(
    "--algorithm",
    type=click.Choice([ELLIPTIC, *ALGORITHMS]),
    default=ELLIPTIC,
    show_default=True,
    help="Today's other clients of the format read ecdsa only.",
)
@click.option(
    "--password-file",
    type=FILE,
    help=f"File with a password for the private key. Else ${ENVIRONMENT_NAME}, or a prompt.",
)
@click.option("--no-password", is_flag=True, help="Do not encrypt the private key.")
@output_options("text", "json")
@click.pass_obj
def command(
    session: Session,
    *,
    private_key: Path,
    curve: str | None,
    algorithm: str,
    password_file: Path | None,
    no_password: bool,
) -> int:
    """
    Make a key pair to sign models with.

    The private key goes to FILE, readable for you only, and the public key beside it, with the
    suffix `.pub`. No existing file is replaced.
    """
    if no_password and password_file is not None:
        raise UsageError(
            "a key has a password or none",
            expected="--password-file or --no-password",
            found="both",
        )
    password = None if no_password else _password(session, password_file)
    key = make_key(private_key, algorithm=algorithm, curve=curve, password=password)
    show_key(session, key)
    warn_of_kind(session, key.identity)
    return 0


def _password(session: Session, file: Path | None) -> bytes:
    """Return the password for the new key; asked for twice where nobody gave one."""
    given = given_password(session, None, file)
    if given is not None:
        return given
    if sys.stdin is None or not sys.stdin.isatty():
        raise KeyRejectedError(
            "the new key needs a password",
            code=Code.PASSWORD,
            hint=f"Use --password-file or ${ENVIRONMENT_NAME}; or --no-password for none",
        )
    answer: str = click.prompt(
        "Password for the private key", hide_input=True, confirmation_prompt=True, err=True
    )
    return answer.encode()
