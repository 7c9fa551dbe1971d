"""
The one group of options by which a command that is about something else names a signer.

`sign` has a subcommand for each method. Here the method follows from what is given: a private
key, a key in a token, either with its certificate, or an identity of Sigstore. What contradicts
itself is refused; where nothing is given there is no signer, and the command says what that means.

What the options need is imported when they are used.
"""

# ruff: noqa: PLC0415  see above

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from weighbridge.cli.kinds import nonstandard_option, warn_of_kind
from weighbridge.cli.options import FILE
from weighbridge.cli.passwords import (
    given_password,
    given_pin,
    password_options,
    pin_option,
    unlock,
)
from weighbridge.cli.sigstore import TOKEN_NAME, SignerFlags, instance_options, keyless_signer
from weighbridge.cli.sigstore import signer_options as identity_options
from weighbridge.cli.terminal import Session
from weighbridge.cli.timestamps import timestamp_url_options, timestamped
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES
from weighbridge.core.values import frozen
from weighbridge.sources.reading import read_named

if TYPE_CHECKING:
    from weighbridge.signing.interface import Signer

_Decorated = Callable[..., Any]

_TIMESTAMPING: Final = ("timestamp_url", "timestamp_certificate_chain")
_CERTIFIED: Final = ("signing_certificate", "certificate_chain", *_TIMESTAMPING)
_OWN: Final = (
    "private_key",
    "allow_nonstandard_keys",
    "password",
    "password_file",
    "pkcs11_uri",
    "pin_file",
    "signing_certificate",
    "certificate_chain",
    "keyless",
    *_TIMESTAMPING,
)


@frozen
class Signing:
    """
    The options that name a signer, as the user gave them; `signer_from` makes one of them.

    Attributes:
        own: What names a key, a certificate, a token, or keyless signing as such.
        identity: What names an identity of Sigstore.
    """

    own: tuple[tuple[str, Any], ...]
    identity: SignerFlags

    @property
    def names_any(self) -> bool:
        """Whether any of the options was given."""
        flags = (getattr(self.identity, name) for name in SignerFlags.__dataclass_fields__)
        return any(value for _, value in self.own) or any(flags)

    def __repr__(self) -> str:
        return "Signing(...)"


def signer_options(function: _Decorated) -> _Decorated:
    """Add the options that name a signer; the command gets them as one argument, `signing`."""

    @functools.wraps(function)
    def gathered(*arguments: Any, **what: Any) -> Any:  # noqa: ANN401  a command's own
        own = tuple((name, what.pop(name)) for name in _OWN)
        flags = {name: what.pop(name) for name in SignerFlags.__dataclass_fields__}
        signing = Signing(own=own, identity=SignerFlags(**flags))
        return function(*arguments, signing=signing, **what)

    options: tuple[Callable[[_Decorated], _Decorated], ...] = (
        click.option("--private-key", type=FILE, help="Sign with this key: PEM."),
        nonstandard_option,
        password_options,
        click.option("--pkcs11-uri", help="Sign with this key in a token, as in RFC 7512."),
        pin_option,
        click.option("--signing-certificate", type=FILE, help="PEM, of the same key."),
        click.option(
            "--certificate-chain",
            type=FILE,
            multiple=True,
            help="PEM, the intermediates from the signing certificate upwards; may be repeated.",
        ),
        click.option(
            "--keyless",
            is_flag=True,
            help="Sign as whom an identity provider knows; any of the options below means it, too.",
        ),
        instance_options,
        identity_options,
        timestamp_url_options,
    )
    decorated: _Decorated = gathered
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def signer_from(session: Session, signing: Signing) -> "Signer | None":
    """
    Return the signer that the options name; None where they name none.

    A password or PIN is asked for here, and a token tried: before the work that is to be signed.
    A keyless signer gets its certificate when it signs.

    Raises:
        UsageError: The options contradict each other, or a file is not there.
        KeyRejectedError: A key, certificate, password, PIN or token cannot be used.
        OperationError: A file cannot be read, or a token fails.
        MissingExtraError: The method needs a package that is not installed.
    """
    own = dict(signing.own)
    method = _chosen(own, signing.identity)
    if method is None:
        return None
    if method == "--keyless":
        return keyless_signer(session, signing.identity)
    make = _key_signer if method == "--private-key" else _token_signer
    signer = make(session, own)
    stamping = timestamped(
        signer, urls=own["timestamp_url"], chain=own["timestamp_certificate_chain"]
    )
    return stamping() if callable(stamping) else stamping


def required_signer(session: Session, signing: Signing) -> "Signer":
    """
    Return the signer that the options name.

    Raises:
        UsageError: They name none, or as for `signer_from`.
        KeyRejectedError, OperationError, MissingExtraError: As for `signer_from`.
    """
    signer = signer_from(session, signing)
    if signer is None:
        raise UsageError(
            "nobody signs",
            expected="a signer: --private-key, --pkcs11-uri or --keyless",
            found="none of them",
            hint="An unsigned statement is nobody's word",
        )
    return signer


def _chosen(own: dict[str, Any], identity: SignerFlags) -> str | None:
    """Return the option that says by which method, and refuse whatever does not go with it."""
    keyless = [name for name in SignerFlags.__dataclass_fields__ if getattr(identity, name)]
    named = [
        method
        for method, given in (
            ("--private-key", own["private_key"] is not None),
            ("--pkcs11-uri", own["pkcs11_uri"] is not None),
            ("--keyless", own["keyless"] or keyless),
        )
        if given
    ]
    if len(named) > 1:
        raise UsageError(
            "the options name several signers",
            expected="one of --private-key, --pkcs11-uri and keyless options",
            found=", ".join(named),
        )
    if not named and not _loose(own) and os.environ.get(TOKEN_NAME):
        return "--keyless"
    method = named[0] if named else None
    goes_with = {
        "--private-key": {"allow_nonstandard_keys", "password", "password_file", *_CERTIFIED},
        "--pkcs11-uri": {"pin_file", *_CERTIFIED},
        "--keyless": set[str](),
        None: set[str](),
    }[method]
    stray = [name for name in _loose(own) if name not in goes_with]
    if stray:
        raise UsageError(
            "an option belongs to another kind of signer",
            expected=f"options that go with {method}"
            if method
            else "a signer: --private-key, --pkcs11-uri or --keyless",
            found=", ".join(f"--{name.replace('_', '-')}" for name in stray),
        )
    if own["certificate_chain"] and own["signing_certificate"] is None:
        raise UsageError(
            "a certificate chain is nobody's without the signer's certificate",
            expected="--signing-certificate with --certificate-chain",
            found="none",
        )
    return method


def _loose(own: dict[str, Any]) -> list[str]:
    """Return the given options that name no signer by themselves."""
    return [
        name
        for name, value in own.items()
        if value and name not in {"private_key", "pkcs11_uri", "keyless"}
    ]


def _key_signer(session: Session, own: dict[str, Any]) -> "Signer":
    place: Path = own["private_key"]
    data = read_named(place, limit=MAX_KEY_FILE_BYTES, what="private key")
    secret = given_password(session, own["password"], own["password_file"])
    if own["signing_certificate"] is not None:
        return _certificate_signer(data, secret, own)
    from weighbridge.signing.key import KeySigner

    signer = unlock(
        lambda given: KeySigner.from_pem(
            data,
            password=given,
            where=str(place),
            allow_nonstandard=own["allow_nonstandard_keys"],
        ),
        secret,
    )
    warn_of_kind(session, signer.identity)
    return signer


def _certificate_signer(key: bytes, secret: bytes | None, own: dict[str, Any]) -> "Signer":
    from weighbridge.signing.certificate import CertificateSigner

    if own["allow_nonstandard_keys"]:
        raise UsageError(
            "an option belongs to another kind of signer",
            expected="--allow-nonstandard-keys without a certificate",
            found="--signing-certificate",
        )
    leaf, chain, chain_where = _certificates(own)
    return unlock(
        lambda given: CertificateSigner.from_pem(
            key,
            leaf,
            chain,
            password=given,
            at=datetime.now(UTC),
            where=str(own["private_key"]),
            certificate_where=str(own["signing_certificate"]),
            chain_where=chain_where,
        ),
        secret,
    )


def _token_signer(session: Session, own: dict[str, Any]) -> "Signer":
    del session
    from weighbridge.signing.pkcs11.signer import TokenSigner
    from weighbridge.signing.pkcs11.token import require_extra
    from weighbridge.signing.pkcs11.uri import parse_token_uri

    uri = parse_token_uri(own["pkcs11_uri"])
    require_extra()
    if own["signing_certificate"] is None:
        return TokenSigner(uri, pin=given_pin(own["pin_file"], uri.pin_source))
    from weighbridge.signing.certificate import load_chain

    leaf, chain, chain_where = _certificates(own)
    where = str(own["signing_certificate"])
    loaded = load_chain(leaf, chain, at=datetime.now(UTC), where=where, chain_where=chain_where)
    pin = given_pin(own["pin_file"], uri.pin_source)
    return TokenSigner(uri, pin=pin, chain=loaded, where=where)


def _certificates(own: dict[str, Any]) -> tuple[bytes, list[bytes], str]:
    """Return the files' content, and how to call the chain in messages."""
    paths: tuple[Path, ...] = own["certificate_chain"]
    chain = [read_named(p, limit=MAX_KEY_FILE_BYTES, what="certificate chain") for p in paths]
    where = ", ".join(map(str, paths)) or "the certificate chain"
    leaf = read_named(own["signing_certificate"], limit=MAX_KEY_FILE_BYTES, what="certificate")
    return leaf, chain, where
