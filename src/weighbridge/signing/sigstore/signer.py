"""
Making keyless signatures.

The token is asked for when the statement is ready: hashing a large model takes longer than a
token, or the certificate that it gets, is valid.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from sigstore.dsse import Statement
from sigstore.models import Bundle as SigstoreBundle
from sigstore.oidc import IdentityToken

from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.identity import SigningMethod, SigstoreIdentity
from weighbridge.signing.bundle import Bundle, parse_bundle, render_bundle
from weighbridge.signing.sigstore.certificate import load_signing_certificate, read_signer
from weighbridge.signing.sigstore.credentials import Credentials, GivenToken
from weighbridge.signing.sigstore.expected import Exactly, ExpectedSigner
from weighbridge.signing.sigstore.material import SigstoreMaterial
from weighbridge.signing.sigstore.services import from_services, provider_of, signing_context
from weighbridge.signing.sigstore.trust import Trust
from weighbridge.signing.sigstore.verification import SigstoreVerifier

_FRESH: Final = "the new signature"


class SigstoreSigner:
    """
    Signs with a key that exists for one signature, certified for whoever the token names.

    Attributes:
        identity: Who signed last, as a verifier will see it; None before.
    """

    method: Final = SigningMethod.SIGSTORE

    def __init__(
        self,
        *,
        trust: Trust,
        credentials: Credentials,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """
        Prepare to sign; nothing is sent yet.

        Args:
            trust: The instance to sign with; it has to say where.
            credentials: Where the token is from.
            clock: Says what time it is.

        Raises:
            KeyRejectedError: The trust does not say where to sign, or a given token cannot be
                used: that is better known before a model is read.
        """
        config = trust.client()
        self._trust = trust
        self._provider = provider_of(config)
        self._context = signing_context(config)
        self._credentials = credentials
        self._clock = clock
        self.identity: SigstoreIdentity | None = None
        if isinstance(credentials, GivenToken):
            credentials.token(provider=self._provider)

    def sign(self, statement: bytes, /) -> bytes:
        """
        Return the signature file for the very bytes *statement*.

        The signature is verified before it leaves, as whoever uses the model will: against the
        trusted root, for the certificate's own name.

        Raises:
            KeyRejectedError: There is no usable token.
            OperationError: A service refused, or could not be reached.
            SignatureRejectedError: The services gave something that does not verify.
        """
        token = self._credentials.token(provider=self._provider)
        made = from_services(lambda: self._request(token, statement))
        fresh = parse_bundle(made.to_json().encode(), where=_FRESH)
        data = render_bundle(
            payload=fresh.payload,
            signature=fresh.signature,
            material=fresh.material,
            timestamps=fresh.timestamps,
        )
        self.identity = self._verified(parse_bundle(data, where=_FRESH), statement)
        return data

    def _request(self, token: IdentityToken, statement: bytes) -> SigstoreBundle:
        with self._context.signer(token) as signer:
            return signer.sign_dsse(Statement(statement))

    def _verified(self, bundle: Bundle, statement: bytes) -> SigstoreIdentity:
        material = bundle.material
        if not isinstance(material, SigstoreMaterial) or bundle.payload != statement:
            raise SignatureRejectedError("something else was signed", where=_FRESH)
        leaf = load_signing_certificate(material.certificate, where=_FRESH)
        signer = read_signer(leaf, where=_FRESH)
        expected = ExpectedSigner(identity=Exactly(signer.name), issuer=signer.issuer)
        verifier = SigstoreVerifier(trust=self._trust, expected=expected)
        return verifier.verify(bundle, at=self._clock())
