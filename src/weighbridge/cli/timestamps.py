"""Options about trusted time: whom to ask for a timestamp, and whose timestamps to believe."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.options import FILE
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES
from weighbridge.sources.reading import read_named

if TYPE_CHECKING:
    from weighbridge.signing.interface import Signer
    from weighbridge.signing.timestamps.trust import TimestampTrust


def timestamp_url_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--timestamp-url`, and the trust that its answers are held to."""
    chain = _chain_option(
        "PEM, roots of the timestamp authorities: verify their answers before they are used. "
        "May be repeated."
    )
    url = click.option(
        "--timestamp-url",
        metavar="URL",
        multiple=True,
        help="Have this RFC 3161 authority say when the model was signed; may be repeated.",
    )
    return url(chain(function))


def timestamp_trust_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the roots of timestamp authorities, and whether a timestamp has to be there."""
    chain = _chain_option(
        "PEM, roots of the timestamp authorities whose clocks are believed. May be repeated."
    )
    required = click.option(
        "--require-timestamp",
        is_flag=True,
        help="Refuse a signature without a timestamp that can be trusted.",
    )
    return chain(required(function))


def timestamp_trust(chain: tuple[Path, ...], *, required: bool = False) -> "TimestampTrust | None":
    """
    Return the trust that the options name; None where they name none.

    Raises:
        UsageError: A timestamp is required, and no authority is trusted.
        KeyRejectedError: A file cannot be used.
    """
    if not chain:
        if required:
            raise UsageError(
                "a timestamp is required, and no authority is trusted",
                expected="--timestamp-certificate-chain with --require-timestamp",
                found="none",
            )
        return None
    # The X.509 part of the library is slow to import, and most calls do without.
    from weighbridge.signing.timestamps.trust import TimestampTrust  # noqa: PLC0415

    data = b"\n".join(
        read_named(path, limit=MAX_KEY_FILE_BYTES, what="timestamp certificate chain")
        for path in chain
    )
    return TimestampTrust.from_pem(data, where=", ".join(map(str, chain)), required=required)


def timestamped(
    signer: "Signer | Callable[[], Signer]", *, urls: tuple[str, ...], chain: tuple[Path, ...]
) -> "Signer | Callable[[], Signer]":
    """
    Return a signer whose signatures carry the timestamps that the options ask for.

    Raises:
        UsageError: An address cannot be one, or there are roots and nobody to ask.
        KeyRejectedError: A file with roots cannot be used.
    """
    if not urls:
        if chain:
            raise UsageError(
                "there are roots of timestamp authorities, and none to ask",
                expected="--timestamp-url with --timestamp-certificate-chain",
                found="none",
            )
        return signer
    from weighbridge.signing.timestamps.client import check_urls  # noqa: PLC0415  see above
    from weighbridge.signing.timestamps.signer import TimestampedSigner  # noqa: PLC0415

    addresses, trust = check_urls(urls), timestamp_trust(chain)
    return lambda: TimestampedSigner(
        signer() if callable(signer) else signer, urls=addresses, trust=trust
    )


def _chain_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--timestamp-certificate-chain", type=FILE, multiple=True, help=text)
