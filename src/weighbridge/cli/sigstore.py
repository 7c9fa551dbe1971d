"""
Options of the keyless method, and what they stand for.

What the options need is imported when they are used: the `sigstore` package costs more time than
signing with a key.
"""

# ruff: noqa: PLC0415  see above

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from weighbridge.cli.options import FILE, only_option
from weighbridge.cli.terminal import Session, escape_logs
from weighbridge.core.errors import KeyRejectedError, UsageError
from weighbridge.core.limits.signing import MAX_IDENTITY_TOKEN_BYTES, MAX_KEY_FILE_BYTES
from weighbridge.core.values import frozen
from weighbridge.sources.reading import read_named

if TYPE_CHECKING:
    from weighbridge.pipeline.trusted_roots import RootView
    from weighbridge.signing.interface import Verifier
    from weighbridge.signing.sigstore.credentials import Credentials
    from weighbridge.signing.sigstore.signer import SigstoreSigner
    from weighbridge.signing.sigstore.trust import Trust

TOKEN_NAME: Final = "WEIGHBRIDGE_IDENTITY_TOKEN"  # noqa: S105  the variable's name
SECRET_NAME: Final = "WEIGHBRIDGE_CLIENT_SECRET"  # noqa: S105  the variable's name

_Decorated = Callable[..., Any]


@frozen
class SignerFlags:
    """The flags that say who signs and with which instance, as the user gave them."""

    use_staging: bool
    trust_config: Path | None
    use_ambient_credentials: bool
    identity_token: str | None
    identity_token_file: Path | None
    oauth_force_oob: bool
    client_id: str | None
    client_secret: str | None
    client_secret_file: Path | None

    def __repr__(self) -> str:
        return "SignerFlags(...)"


def instance_options(function: _Decorated) -> _Decorated:
    """Add the options that choose an instance of Sigstore."""
    return _added(
        function,
        click.option("--use-staging", is_flag=True, help="Sigstore's staging instance, for tests."),
        only_option(
            "--trust-config",
            type=FILE,
            help="Client trust configuration, or trusted root, of a private instance.",
        ),
    )


def signer_options(function: _Decorated) -> _Decorated:
    """Add the options that say where the identity token is from."""
    return _added(
        function,
        click.option(
            "--use-ambient-credentials",
            is_flag=True,
            help="Use the token that the CI system gives to this job.",
        ),
        click.option(
            "--identity-token",
            help="The token itself. Other users of the machine could see it: prefer a file.",
        ),
        click.option(
            "--identity-token-file",
            type=FILE,
            help=f"File with the token. Else ${TOKEN_NAME}, or a browser.",
        ),
        click.option(
            "--oauth-force-oob",
            is_flag=True,
            help="Show an address and ask for a code, instead of opening a browser.",
        ),
        click.option("--client-id", help="Client of the identity provider.  [default: sigstore]"),
        click.option(
            "--client-secret",
            help="Its secret. Other users of the machine could see it: prefer a file.",
        ),
        click.option(
            "--client-secret-file",
            type=FILE,
            help=f"File with its secret. Else ${SECRET_NAME}.",
        ),
    )


def keyless_signer(session: Session, flags: SignerFlags) -> "SigstoreSigner":
    """
    Return the signer that *flags* stand for; a person may have to sign in when it signs.

    Raises:
        UsageError: The flags contradict each other, or a file is not there.
        KeyRejectedError: A given token, or the trust configuration, cannot be used.
    """
    from weighbridge.signing.sigstore.signer import SigstoreSigner

    credentials = _credentials(session, flags)
    return SigstoreSigner(
        trust=_trust(use_staging=flags.use_staging, trust_config=flags.trust_config),
        credentials=credentials,
    )


def show_signer(session: Session, signer: "SigstoreSigner") -> None:
    """Say who signed, and how that is verified: names are chosen by the identity provider."""
    from weighbridge.core.errors import one_line

    identity = signer.identity
    if identity is None:
        return
    session.talk(f"signed as: {one_line(identity.name)}")
    session.talk(f"vouched for by: {one_line(identity.issuer)}")


def keyless_verifier(
    *, identity: str, identity_provider: str, use_staging: bool, trust_config: Path | None
) -> "Verifier":
    """
    Return the verifier for exactly this identity of exactly this provider.

    Raises:
        UsageError: One of the two is empty, or the trust configuration is not there.
        KeyRejectedError: The trust configuration cannot be used.
    """
    from weighbridge.signing.sigstore.expected import Exactly, ExpectedSigner
    from weighbridge.signing.sigstore.verification import SigstoreVerifier

    return SigstoreVerifier(
        trust=_trust(use_staging=use_staging, trust_config=trust_config),
        expected=ExpectedSigner(identity=Exactly(identity), issuer=identity_provider),
    )


def chosen_root(*, use_staging: bool, trust_config: Path | None) -> "RootView":
    """Return the trusted root that the two options mean, for people."""
    from weighbridge.pipeline.trusted_roots import view_root

    return view_root(_trust(use_staging=use_staging, trust_config=trust_config))


def _trust(*, use_staging: bool, trust_config: Path | None) -> "Trust":
    from weighbridge.pipeline.trusted_roots import chosen_trust
    from weighbridge.signing.sigstore.trust import Instance

    escape_logs()
    if use_staging and trust_config is not None:
        raise UsageError(
            "two instances of Sigstore are meant at once",
            expected="--use-staging or --trust-config",
            found="both",
        )
    instance = Instance.STAGING if use_staging else Instance.PUBLIC
    return chosen_trust(file=trust_config, instance=instance)


def _credentials(session: Session, flags: SignerFlags) -> "Credentials":
    from weighbridge.signing.sigstore.credentials import (
        DEFAULT_CLIENT,
        AmbientToken,
        GivenToken,
        InteractiveToken,
    )

    client = flags.client_id or DEFAULT_CLIENT
    _require_one_token(flags)
    if flags.use_ambient_credentials:
        return AmbientToken(client=client)
    token = _secret(
        session,
        flags.identity_token,
        flags.identity_token_file,
        variable=TOKEN_NAME,
        what="identity token",
        limit=MAX_IDENTITY_TOKEN_BYTES,
    )
    if token is not None:
        return GivenToken(text=token, client=client)
    secret = _secret(
        session,
        flags.client_secret,
        flags.client_secret_file,
        variable=SECRET_NAME,
        what="client secret",
        limit=MAX_KEY_FILE_BYTES,
    )
    return InteractiveToken(
        client=client,
        secret=secret or "",
        out_of_band=flags.oauth_force_oob,
        before=lambda: _begin_line(session),
    )


def _require_one_token(flags: SignerFlags) -> None:
    """Refuse flags that name more than one token; none at all means a browser."""
    given = [
        flags.use_ambient_credentials,
        flags.identity_token is not None,
        flags.identity_token_file is not None,
    ]
    if sum(given) > 1:
        raise UsageError(
            "there are several identity tokens",
            expected="one of --use-ambient-credentials, --identity-token, --identity-token-file",
            found=str(sum(given)),
        )


def _secret(
    session: Session,
    argument: str | None,
    file: Path | None,
    *,
    variable: str,
    what: str,
    limit: int,
) -> str | None:
    """Return the secret that the user gave, in whichever way; None without one."""
    if argument is not None:
        session.talk(f"warning: other users can see the {what} on the command line")
        return argument
    if file is None:
        return os.environ.get(variable)
    data = read_named(file, limit=limit, what=f"{what} file")
    try:
        return data.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise KeyRejectedError(
            f"the file is no {what}", where=str(file), expected="ASCII text", found="other bytes"
        ) from error


def _begin_line(session: Session) -> None:
    """End the line of a progress bar: what follows is for a person to read."""
    if session.err.isatty():
        session.err.write("\n")
    session.err.flush()
    sys.stdout.flush()


def _added(function: _Decorated, *options: Callable[[_Decorated], _Decorated]) -> _Decorated:
    for option in reversed(options):
        function = option(function)
    return function
