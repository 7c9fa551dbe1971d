"""`weighbridge sign`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.kinds import nonstandard_option, warn_of_kind
from weighbridge.cli.methods import MethodGroup
from weighbridge.cli.options import (
    FILE,
    MODEL,
    output_options,
    selection_options,
    signature_option,
)
from weighbridge.cli.passwords import (
    given_password,
    given_pin,
    password_options,
    pin_option,
    unlock,
)
from weighbridge.cli.prior import prior_options
from weighbridge.cli.render import show_signed
from weighbridge.cli.sigstore import (
    SignerFlags,
    instance_options,
    keyless_signer,
    show_signer,
    signer_options,
)
from weighbridge.cli.terminal import Session
from weighbridge.cli.timestamps import timestamp_url_options, timestamped
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.identity import SigningMethod
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.sign import sign
from weighbridge.sources.reading import read_named

if TYPE_CHECKING:
    from weighbridge.pipeline.prior import PriorDigests
    from weighbridge.signing.ecdsa import SigningKey
    from weighbridge.signing.interface import Signer
    from weighbridge.signing.sigstore.signer import SigstoreSigner

_ENCRYPTED = b"ENCRYPTED"
"""In every PEM file of a private key that has a password."""


@click.group(cls=MethodGroup, short_help="Sign a model.")
def command() -> None:
    """
    Sign a model.

    The signature is an OpenSSF Model Signing bundle, `model.sig` in the directory or `FILE.sig`
    beside a single file. Every client of the format can verify it. Without a method, sigstore is
    meant.
    """


def _sign_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that all methods have."""
    options: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
        click.argument("model", type=MODEL),
        signature_option,
        selection_options,
        click.option(
            "--hash",
            "algorithm",
            type=click.Choice([a.value for a in HashAlgorithm]),
            default=HashAlgorithm.SHA256.value,
            show_default=True,
            help="Digest of the files. Not every client verifies all of them.",
        ),
        click.option(
            "--shard-size",
            type=click.IntRange(min=1),
            help="Digest shards of this many bytes, in parallel within one file.",
        ),
        click.option(
            "--reserve",
            metavar="WORD",
            multiple=True,
            help="Let other clients accept a later signature model.WORD.sig; may be repeated.",
        ),
        prior_options,
        output_options("text", "json"),
        click.pass_obj,
    )
    for option in reversed(options):
        function = option(function)
    return function


def _certificate_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the signer's certificate and its issuers."""
    chain = click.option(
        "--certificate-chain",
        type=FILE,
        multiple=True,
        help="PEM, the intermediates from the signing certificate upwards; may be repeated.",
    )
    leaf = click.option(
        "--signing-certificate", type=FILE, required=True, help="PEM, of the same key."
    )
    return leaf(chain(function))


@command.command("sigstore")
@instance_options
@signer_options
@_sign_options
def sign_keyless(
    session: Session,
    **what: Any,  # noqa: ANN401  handed on to SignerFlags and _sign, which type them
) -> int:
    """Sign MODEL as whom an identity provider knows, with no key of your own."""
    flags = SignerFlags(**{name: what.pop(name) for name in SignerFlags.__dataclass_fields__})
    made: list[SigstoreSigner] = []

    def make() -> "Signer":
        made.append(keyless_signer(session, flags))
        return made[0]

    code = _sign(session, make, **what)
    show_signer(session, made[0])
    return code


@command.command("key")
@click.option("--private-key", type=FILE, required=True, help="PEM, P-256, P-384 or P-521.")
@nonstandard_option
@password_options
@timestamp_url_options
@_sign_options
def sign_key(
    session: Session,
    private_key: Path,
    allow_nonstandard_keys: bool,
    password: str | None,
    password_file: Path | None,
    **what: Any,  # noqa: ANN401  handed on to _sign, which types them
) -> int:
    """Sign MODEL with a private key."""
    data = read_named(private_key, limit=MAX_KEY_FILE_BYTES, what="private key")
    secret = given_password(session, password, password_file)

    def make() -> "Signer":
        # The library is slow to import: time enough for that while the files are read.
        from weighbridge.signing.key import KeySigner  # noqa: PLC0415

        signer = unlock(
            lambda given: KeySigner.from_pem(
                data,
                password=given,
                where=str(private_key),
                allow_nonstandard=allow_nonstandard_keys,
            ),
            secret,
        )
        warn_of_kind(session, signer.identity)
        return signer

    # Nobody is asked for a password, or warned, while a progress bar is drawn.
    talks = allow_nonstandard_keys or _ENCRYPTED in data
    return _sign(session, make() if talks else make, **what)


@command.command("certificate")
@click.option("--private-key", type=FILE, required=True, help="PEM, P-256, P-384 or P-521.")
@_certificate_options
@password_options
@timestamp_url_options
@_sign_options
def sign_certificate(
    session: Session,
    private_key: Path,
    signing_certificate: Path,
    certificate_chain: tuple[Path, ...],
    password: str | None,
    password_file: Path | None,
    **what: Any,  # noqa: ANN401  handed on to _sign, which types them
) -> int:
    """Sign MODEL with a private key and its X.509 certificate."""
    # The X.509 part of the library is slow to import, and `sign key` does without.
    from weighbridge.signing.certificate import CertificateSigner  # noqa: PLC0415

    key = read_named(private_key, limit=MAX_KEY_FILE_BYTES, what="private key")
    leaf, chain, chain_where = _read_certificates(signing_certificate, certificate_chain)
    signer = unlock(
        lambda secret: CertificateSigner.from_pem(
            key,
            leaf,
            chain,
            password=secret,
            at=datetime.now(UTC),
            where=str(private_key),
            certificate_where=str(signing_certificate),
            chain_where=chain_where,
        ),
        given_password(session, password, password_file),
    )
    return _sign(session, signer, **what)


_token_uri = click.option(
    "--pkcs11-uri",
    required=True,
    help="The key, as in RFC 7512: 'pkcs11:token=...;object=...'.",
)


@command.command("pkcs11-key")
@_token_uri
@pin_option
@timestamp_url_options
@_sign_options
def sign_token_key(
    session: Session,
    pkcs11_uri: str,
    pin_file: Path | None,
    **what: Any,  # noqa: ANN401  handed on to _sign, which types them
) -> int:
    """Sign MODEL with a key in a PKCS#11 token."""
    from weighbridge.signing.key import KeySigner  # noqa: PLC0415  see sign_key

    with _token_key(pkcs11_uri, pin_file) as key:
        return _sign(session, KeySigner(key, method=SigningMethod.PKCS11_KEY), **what)


@command.command("pkcs11-certificate")
@_token_uri
@pin_option
@_certificate_options
@timestamp_url_options
@_sign_options
def sign_token_certificate(
    session: Session,
    pkcs11_uri: str,
    pin_file: Path | None,
    signing_certificate: Path,
    certificate_chain: tuple[Path, ...],
    **what: Any,  # noqa: ANN401  handed on to _sign, which types them
) -> int:
    """Sign MODEL with a key in a PKCS#11 token and its X.509 certificate."""
    from weighbridge.signing.certificate import CertificateSigner, load_chain  # noqa: PLC0415

    leaf, chain, chain_where = _read_certificates(signing_certificate, certificate_chain)
    where = str(signing_certificate)
    loaded = load_chain(leaf, chain, at=datetime.now(UTC), where=where, chain_where=chain_where)
    with _token_key(pkcs11_uri, pin_file) as key:
        method = SigningMethod.PKCS11_CERTIFICATE
        return _sign(
            session, CertificateSigner(key, chain=loaded, where=where, method=method), **what
        )


@contextmanager
def _token_key(text: str, pin_file: Path | None) -> "Iterator[SigningKey]":
    """Open the key that the URI *text* names."""
    from weighbridge.signing.pkcs11.token import (  # noqa: PLC0415  see sign_key
        open_token_key,
        require_extra,
    )
    from weighbridge.signing.pkcs11.uri import parse_token_uri  # noqa: PLC0415

    uri = parse_token_uri(text)
    require_extra()
    with open_token_key(uri, pin=given_pin(pin_file, uri.pin_source)) as key:
        yield key


def _read_certificates(leaf: Path, chain: tuple[Path, ...]) -> tuple[bytes, list[bytes], str]:
    """Return the files' content, and how to call the chain in messages."""
    where = ", ".join(map(str, chain)) or "the certificate chain"
    read = [read_named(p, limit=MAX_KEY_FILE_BYTES, what="certificate chain") for p in chain]
    return read_named(leaf, limit=MAX_KEY_FILE_BYTES, what="certificate"), read, where


def _sign(  # noqa: PLR0913  the flags of a command
    session: Session,
    signer: "Signer | Callable[[], Signer]",
    *,
    model: str,
    signature: Path | None,
    ignore_paths: tuple[Path, ...],
    ignore_git_paths: bool,
    allow_symlinks: bool,
    algorithm: str,
    shard_size: int | None,
    timestamp_url: tuple[str, ...] = (),
    timestamp_certificate_chain: tuple[Path, ...] = (),
    reserve: tuple[str, ...],
    prior: "PriorDigests | None",
) -> int:
    stamping = timestamped(signer, urls=timestamp_url, chain=timestamp_certificate_chain)
    with session.progress() as progress:
        result = sign(
            model,
            signer=stamping,
            signature=signature,
            selection=FileSelection(
                ignore_paths=ignore_paths,
                ignore_git_paths=ignore_git_paths,
                allow_symlinks=allow_symlinks,
            ),
            layout=HashLayout(HashAlgorithm(algorithm), shard_size),
            reserve=reserve,
            prior=prior,
            progress=progress,
        )
    show_signed(session, result)
    return 0
