"""`weighbridge verify`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from weighbridge.cli.kinds import nonstandard_option
from weighbridge.cli.methods import MethodGroup
from weighbridge.cli.options import (
    FILE,
    MODEL,
    only_option,
    output_options,
    selection_options,
    signature_option,
)
from weighbridge.cli.render import show_signature
from weighbridge.cli.sigstore import instance_options, keyless_verifier
from weighbridge.cli.terminal import Session
from weighbridge.cli.timestamps import timestamp_trust, timestamp_trust_options
from weighbridge.core.identity import CertificateIdentity
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.verify import verify
from weighbridge.signing.interface import Verifier
from weighbridge.signing.key import KeyVerifier
from weighbridge.sources.reading import read_named


@click.group(cls=MethodGroup, short_help="Verify a model's signature against an expected signer.")
def command() -> None:
    """
    Verify a model's signature against an expected signer.

    Every file has to be as signed, and no other file may be there unless you leave it out. What
    the signer chose to leave out is a claim and leaves nothing out. Without a method, sigstore is
    meant.
    """


def _verify_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that all methods have."""
    options: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
        click.argument("model", type=MODEL),
        signature_option,
        selection_options,
        click.option(
            "--ignore-unsigned-files/--no-ignore-unsigned-files",
            default=False,
            show_default=True,
            help="Accept files that the signature does not name; they are listed.",
        ),
        only_option(
            "--threshold",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="How many different signers it takes.",
        ),
        click.option(
            "--allow-legacy",
            is_flag=True,
            help="Accept the statement and signature encoding of releases before 1.0.",
        ),
        output_options("text", "json"),
        click.pass_obj,
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command("sigstore")
@only_option(
    "--identity", required=True, help="The name in the certificate: URI or e-mail, exactly."
)
@only_option(
    "--identity-provider", required=True, help="URL of who vouches for that name, exactly."
)
@instance_options
@click.option(
    "--offline", is_flag=True, help="Use no network. It is always so; for scripts that say it."
)
@_verify_options
def verify_keyless(
    session: Session,
    identity: str,
    identity_provider: str,
    use_staging: bool,
    trust_config: Path | None,
    offline: bool,
    **what: Any,  # noqa: ANN401  handed on to _verify, which types them
) -> int:
    """Verify that MODEL was signed by whom an identity provider knows; no network is used."""
    del offline
    verifier = keyless_verifier(
        identity=identity,
        identity_provider=identity_provider,
        use_staging=use_staging,
        trust_config=trust_config,
    )
    return _verify(session, verifier, **what)


@command.command("key")
@click.option(
    "--public-key",
    type=FILE,
    multiple=True,
    required=True,
    help="PEM, P-256, P-384 or P-521. May be repeated: the key of any expected signer.",
)
@nonstandard_option
@timestamp_trust_options
@_verify_options
def verify_key(
    session: Session,
    public_key: tuple[Path, ...],
    allow_nonstandard_keys: bool,
    timestamp_certificate_chain: tuple[Path, ...],
    require_timestamp: bool,
    **what: Any,  # noqa: ANN401  handed on to _verify, which types them
) -> int:
    """Verify that the holder of a private key signed MODEL."""
    timestamps = timestamp_trust(timestamp_certificate_chain, required=require_timestamp)
    verifiers = tuple(
        KeyVerifier.from_pem(
            read_named(path, limit=MAX_KEY_FILE_BYTES, what="public key"),
            where=str(path),
            allow_legacy=bool(what["allow_legacy"]),
            allow_nonstandard=allow_nonstandard_keys,
            timestamps=timestamps,
        )
        for path in public_key
    )
    return _verify(session, verifiers, **what)


@command.command("certificate")
@click.option(
    "--certificate-chain",
    type=FILE,
    multiple=True,
    required=True,
    help="PEM, the trusted roots; intermediates may be among them. May be repeated.",
)
@only_option("--identity", help="A name in the certificate: URI, e-mail or DNS, exactly.")
@only_option("--san-uri", help="A URI in the certificate, exactly.")
@only_option("--subject", help="The certificate's subject, such as 'CN=release,O=Example'.")
@click.option(
    "--any-identity",
    is_flag=True,
    help="Accept whoever the authority issued a certificate to.",
)
@click.option(
    "--log-fingerprints",
    is_flag=True,
    help="Say on standard error which certificate signed and which root it leads to.",
)
@timestamp_trust_options
@_verify_options
def verify_certificate(  # noqa: PLR0913  the flags of a command
    session: Session,
    *,
    certificate_chain: tuple[Path, ...],
    identity: str | None,
    san_uri: str | None,
    subject: str | None,
    any_identity: bool,
    log_fingerprints: bool,
    timestamp_certificate_chain: tuple[Path, ...],
    require_timestamp: bool,
    **what: Any,  # noqa: ANN401  handed on to _verify, which types them
) -> int:
    """Verify that the expected subject of a certificate signed MODEL."""
    # The X.509 part of the library is slow to import, and `verify key` does without.
    from weighbridge.signing.certificate import CertificateVerifier  # noqa: PLC0415
    from weighbridge.signing.identity import ExpectedIdentity  # noqa: PLC0415

    data = b"\n".join(
        read_named(path, limit=MAX_KEY_FILE_BYTES, what="certificate chain")
        for path in certificate_chain
    )
    verifier = CertificateVerifier.from_pem(
        data,
        where=", ".join(map(str, certificate_chain)),
        expected=ExpectedIdentity(
            subject=subject, identity=identity, san_uri=san_uri, any_identity=any_identity
        ),
        allow_legacy=bool(what["allow_legacy"]),
        timestamps=timestamp_trust(timestamp_certificate_chain, required=require_timestamp),
    )
    if any_identity:
        session.talk("warning: any subject of these roots is accepted")
    return _verify(session, verifier, log_fingerprints=log_fingerprints, **what)


def _verify(  # noqa: PLR0913  the flags of a command
    session: Session,
    verifier: Verifier | Sequence[Verifier],
    *,
    model: str,
    signature: Path | None,
    ignore_paths: tuple[Path, ...],
    ignore_git_paths: bool,
    allow_symlinks: bool,
    ignore_unsigned_files: bool,
    threshold: int,
    allow_legacy: bool,
    log_fingerprints: bool = False,
) -> int:
    with session.progress() as progress:
        verification = verify(
            model,
            verifier=verifier,
            signature=signature,
            selection=FileSelection(
                ignore_paths=ignore_paths,
                ignore_git_paths=ignore_git_paths,
                allow_symlinks=allow_symlinks,
            ),
            ignore_unsigned_files=ignore_unsigned_files,
            threshold=threshold,
            allow_legacy=allow_legacy,
            progress=progress,
        )
    for evidence in verification.signatures if log_fingerprints else ():
        if isinstance(evidence.identity, CertificateIdentity):
            session.talk(f"certificate  sha256:{evidence.identity.fingerprint}")
            session.talk(f"root         sha256:{evidence.identity.root_fingerprint}")
    show_signature(session, verification)
    return 0
