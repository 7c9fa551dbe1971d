"""`weighbridge sign`."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.methods import MethodGroup
from weighbridge.cli.options import (
    FILE,
    MODEL,
    output_options,
    selection_options,
    signature_option,
)
from weighbridge.cli.passwords import given_password, password_options, unlock
from weighbridge.cli.render import show_signed
from weighbridge.cli.terminal import Session
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.limits import MAX_KEY_FILE_BYTES
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.sign import sign
from weighbridge.sources.reading import read_named

if TYPE_CHECKING:
    from weighbridge.signing.interface import Signer

_ENCRYPTED = b"ENCRYPTED"
"""In every PEM file of a private key that has a password."""


@click.group(cls=MethodGroup, short_help="Sign a model.")
def command() -> None:
    """
    Sign a model.

    The signature is an OpenSSF Model Signing bundle, `model.sig` in the directory or `FILE.sig`
    beside a single file. Every client of the format can verify it.
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
        output_options("text", "json"),
        click.pass_obj,
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command("key")
@click.option("--private-key", type=FILE, required=True, help="PEM, P-256, P-384 or P-521.")
@password_options
@_sign_options
def sign_key(
    session: Session,
    private_key: Path,
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

        return unlock(
            lambda given: KeySigner.from_pem(data, password=given, where=str(private_key)), secret
        )

    # Nobody is asked for a password while a progress bar is drawn.
    return _sign(session, make() if _ENCRYPTED in data else make, **what)


@command.command("certificate")
@click.option("--private-key", type=FILE, required=True, help="PEM, P-256, P-384 or P-521.")
@click.option("--signing-certificate", type=FILE, required=True, help="PEM, of the same key.")
@click.option(
    "--certificate-chain",
    type=FILE,
    multiple=True,
    help="PEM, the intermediates from the signing certificate upwards; may be repeated.",
)
@password_options
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
    leaf = read_named(signing_certificate, limit=MAX_KEY_FILE_BYTES, what="certificate")
    chain = [
        read_named(path, limit=MAX_KEY_FILE_BYTES, what="certificate chain")
        for path in certificate_chain
    ]
    signer = unlock(
        lambda secret: CertificateSigner.from_pem(
            key,
            leaf,
            chain,
            password=secret,
            at=datetime.now(UTC),
            where=str(private_key),
            certificate_where=str(signing_certificate),
            chain_where=", ".join(map(str, certificate_chain)) or "the certificate chain",
        ),
        given_password(session, password, password_file),
    )
    return _sign(session, signer, **what)


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
) -> int:
    with session.progress() as progress:
        result = sign(
            model,
            signer=signer,
            signature=signature,
            selection=FileSelection(
                ignore_paths=ignore_paths,
                ignore_git_paths=ignore_git_paths,
                allow_symlinks=allow_symlinks,
            ),
            layout=HashLayout(HashAlgorithm(algorithm), shard_size),
            progress=progress,
        )
    show_signed(session, result)
    return 0
