"""
The certificate authority of the test instance: a short-lived certificate for who holds a token.

Source: https://github.com/sigstore/fulcio/blob/main/fulcio.proto (API v2) and
docs/certificate-specification.md.

What is checked before a certificate is issued, in this order:

1. the token's issuer is one that is trusted here;
2. its signature by that issuer, its audience, and that it is valid now;
3. that it tells who it is about;
4. that whoever asks holds the private key: the signature of the request to certify it.
"""

import base64
import binascii
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from weighbridge.demo.instance.authority import Authority, key_identifiers, key_usage
from weighbridge.demo.instance.ctlog import CertificateLog
from weighbridge.demo.instance.faults import CertificateFault, Conduct
from weighbridge.demo.instance.identity import (
    CertifiedIdentity,
    ClaimsRefusedError,
    certified_identity,
    issuer_extensions,
)
from weighbridge.demo.instance.oidc import ALGORITHM, Issuer
from weighbridge.demo.instance.server import (
    Request,
    RequestRefusedError,
    Response,
    Routes,
    json_response,
)

LIFETIME: Final = timedelta(minutes=10)


class Fulcio:
    """
    A certificate authority.

    Args:
        issuers: Whose tokens it believes.
        audiences: For whom the tokens have to be made.
        log: Gets every certificate before it is issued.
        now: When the authority begins to exist.
        conduct: How it misbehaves.
    """

    NAME: Final = "fulcio"

    def __init__(
        self,
        *,
        issuers: Sequence[Issuer],
        audiences: Collection[str],
        log: CertificateLog,
        now: datetime,
        conduct: Conduct,
    ) -> None:
        self.authority = Authority.make(self.NAME, now=now)
        self._stranger = Authority.make(self.NAME, now=now)
        self._issuers = {issuer.url: issuer for issuer in issuers}
        self._audiences = tuple(audiences)
        self._log = log
        self._conduct = conduct

    def routes(self) -> Routes:
        """Return what is served."""
        return {
            ("POST", "/api/v2/signingCert"): self._sign,
            ("GET", "/api/v2/trustBundle"): self._trust_bundle,
        }

    def issue(self, token: str, request: x509.CertificateSigningRequest) -> tuple[str, ...]:
        """
        Return the PEM of the certificate, of the intermediate and of the root.

        Raises:
            RequestRefusedError: The token or the request is not good.
        """
        identity = self._identity(token)
        key = request.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise RequestRefusedError("expected an elliptic curve key")
        if not request.is_signature_valid:
            raise RequestRefusedError("whoever asks does not hold the private key")
        forged = self._conduct.faults.certificate is CertificateFault.OTHER_AUTHORITY
        authority = self._stranger if forged else self.authority
        certificate = self._certify(identity, key, authority)
        pem = certificate.public_bytes(Encoding.PEM).decode()
        return pem, *(holder.pem for holder in authority.chain)

    def _identity(self, token: str) -> CertifiedIdentity:
        try:
            claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
            issuer = self._issuers.get(claimed) if isinstance(claimed, str) else None
            if issuer is None:
                raise RequestRefusedError("the token is by nobody who is trusted here", status=401)
            claims = jwt.decode(
                token,
                issuer.key.public_key(),
                algorithms=[ALGORITHM],
                audience=self._audiences,
                issuer=issuer.url,
                options={"require": ["iss", "sub", "aud", "iat", "exp"]},
            )
            return certified_identity(claims)
        except (jwt.InvalidTokenError, ClaimsRefusedError) as error:
            raise RequestRefusedError(f"the token is refused: {error}", status=401) from error

    def _certify(
        self, identity: CertifiedIdentity, key: ec.EllipticCurvePublicKey, authority: Authority
    ) -> x509.Certificate:
        """Certify, log, and certify anew with the log's promise inside."""
        issuer = authority.intermediate
        now = datetime.now(UTC).replace(microsecond=0)
        start = now + self._conduct.faults.certificate_shift
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(issuer.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + LIFETIME)
        )
        for extension, critical in self._extensions(identity):
            builder = builder.add_extension(extension, critical=critical)
        for identifier in key_identifiers(key, issuer=issuer.key.public_key()):
            builder = builder.add_extension(identifier, critical=False)
        draft = builder.sign(issuer.key, SHA256())
        # The promise has to be the last extension: without it, what the log saw is left.
        promise = self._log.promise(
            draft.tbs_certificate_bytes, issuer=issuer.key.public_key(), at=now
        )
        if promise is None:
            return draft
        return builder.add_extension(promise, critical=False).sign(issuer.key, SHA256())

    def _extensions(self, identity: CertifiedIdentity) -> list[tuple[x509.ExtensionType, bool]]:
        fault = self._conduct.faults.certificate
        usage = key_usage(
            signatures=fault is not CertificateFault.NOT_FOR_SIGNATURES,
            certificates=False,
        )
        purpose = (
            ExtendedKeyUsageOID.SERVER_AUTH
            if fault is CertificateFault.NOT_FOR_CODE
            else ExtendedKeyUsageOID.CODE_SIGNING
        )
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (usage, True),
            (x509.ExtendedKeyUsage([purpose]), False),
        ]
        names = [identity.name]
        if fault is CertificateFault.TWO_IDENTITIES:
            names.append(x509.RFC822Name("somebody.else@example.org"))
        if fault is not CertificateFault.NO_IDENTITY:
            extensions.append((x509.SubjectAlternativeName(names), True))
        said = identity.extensions
        if fault is CertificateFault.TWO_ISSUERS:
            said = (issuer_extensions("https://somebody.example.org")[0], *said[1:])
        if fault is not CertificateFault.NO_ISSUER:
            extensions += [(extension, False) for extension in said]
        return extensions

    def _sign(self, request: Request) -> Response:
        token = request.bearer()
        text = request.document().text("certificateSigningRequest")
        try:
            wanted = x509.load_pem_x509_csr(base64.b64decode(text, validate=True))
        except (ValueError, binascii.Error) as error:
            raise RequestRefusedError("the request to certify is malformed") from error
        certificates = [*self.issue(token, wanted)]
        return json_response(
            {"signedCertificateEmbeddedSct": {"chain": {"certificates": [*certificates]}}},
            status=201,
        )

    def _trust_bundle(self, request: Request) -> Response:
        del request
        chain = [holder.pem for holder in self.authority.chain]
        return json_response({"chains": [{"certificates": [*chain]}]})
