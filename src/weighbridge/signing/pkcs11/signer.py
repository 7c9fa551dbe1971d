"""A signer whose token is open only while it signs, for work that takes hours in between."""

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from weighbridge.core.identity import SigningMethod
from weighbridge.signing.certificate import CertificateSigner
from weighbridge.signing.interface import Signer
from weighbridge.signing.key import KeySigner
from weighbridge.signing.pkcs11.token import TokenKey, open_token_key
from weighbridge.signing.pkcs11.uri import TokenUri


class TokenSigner:
    """Signs with a key in a token: the token is opened for each signature and closed after it."""

    def __init__(
        self,
        uri: TokenUri,
        *,
        pin: bytes,
        chain: Sequence[x509.Certificate] = (),
        where: str = "the signing certificate",
    ) -> None:
        """
        Open the token once and close it, so that a wrong PIN shows before any work is done.

        Args:
            uri: Which key.
            pin: Of the token.
            chain: The key's certificate and its issuers, for a signature by certificate; see
                `certificate.load_chain`.
            where: The certificate's file, for messages.

        Raises:
            MissingExtraError: As `open_token_key`.
            KeyRejectedError: As `open_token_key`; or the certificate is of another key.
            OperationError: As `open_token_key`.
        """
        self._uri: Final = uri
        self._pin: Final = pin
        self._chain: Final = chain
        self._where: Final = where
        with open_token_key(uri, pin=pin) as key:
            self._signer(key)

    @property
    def method(self) -> SigningMethod:
        """How the signature is made."""
        if not self._chain:
            return SigningMethod.PKCS11_KEY
        return SigningMethod.PKCS11_CERTIFICATE

    def sign(self, statement: bytes, /) -> bytes:
        """
        Return the signature file for the very bytes *statement*.

        Raises:
            KeyRejectedError: As `open_token_key`.
            OperationError: The token is gone or does not sign.
        """
        with open_token_key(self._uri, pin=self._pin) as key:
            return self._signer(key).sign(statement)

    def _signer(self, key: TokenKey) -> Signer:
        if not self._chain:
            return KeySigner(key, method=self.method)
        return CertificateSigner(key, chain=self._chain, where=self._where, method=self.method)
