"""A signer whose signatures carry timestamps."""

from collections.abc import Sequence

from weighbridge.core.identity import SigningMethod
from weighbridge.signing.bundle import parse_bundle, render_bundle
from weighbridge.signing.interface import Signer
from weighbridge.signing.timestamps.client import check_urls, request_timestamp
from weighbridge.signing.timestamps.trust import TimestampTrust


class TimestampedSigner:
    """Has another signer sign, and timestamp authorities say when."""

    def __init__(
        self, signer: Signer, *, urls: Sequence[str], trust: TimestampTrust | None = None
    ) -> None:
        """
        Check the addresses; nobody is asked yet.

        Args:
            signer: Makes signatures by key or certificate.
            urls: Authorities, each of which is asked; a failure of one is a failure.
            trust: Verifies their timestamps before they are used; None to leave that to whoever
                verifies the signature.

        Raises:
            UsageError: As `check_urls`.
        """
        self._signer = signer
        self._urls = check_urls(urls)
        self._trust = trust

    @property
    def method(self) -> SigningMethod:
        """How the signature is made."""
        return self._signer.method

    def sign(self, statement: bytes, /) -> bytes:
        """
        Return the signature file for the very bytes *statement*, with the timestamps in it.

        Raises:
            OperationError: An authority gave no timestamp.
        """
        bundle = parse_bundle(self._signer.sign(statement), where="the new signature")
        tokens = tuple(
            request_timestamp(url, bundle.signature, trust=self._trust) for url in self._urls
        )
        return render_bundle(
            payload=bundle.payload,
            signature=bundle.signature,
            material=bundle.material,
            timestamps=(*bundle.timestamps, *tokens),
        )
