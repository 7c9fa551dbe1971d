"""
The certificate log of the test instance, as far as clients see it: its signed promise.

Source: RFC 6962, sections 3.2 and 3.3. No library makes these structures, so they are packed
here; reading and checking them is the business of the `sigstore` package.
"""

import hashlib
import struct
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.asn1 import encode_der
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from weighbridge.demo.instance.authority import new_key, public_der
from weighbridge.demo.instance.faults import Conduct, SctFault

LIST_OID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
"""Extension of a certificate that holds the promises; RFC 6962 section 3.3."""

_V1: Final = 0
_CERTIFICATE_TIMESTAMP: Final = 0
_PRECERTIFICATE: Final = 1
_SHA256_ECDSA: Final = b"\x04\x03"
_NO_EXTENSIONS: Final = b"\x00\x00"


class CertificateLog:
    """A log that promises to include certificates, and never does."""

    def __init__(self, conduct: Conduct) -> None:
        self.key = new_key()
        self._stranger = new_key()
        self._conduct = conduct

    def promise(
        self, precertificate: bytes, *, issuer: ec.EllipticCurvePublicKey, at: datetime
    ) -> x509.UnrecognizedExtension | None:
        """
        Return the extension with the signed certificate timestamp.

        Args:
            precertificate: What is to be certified (TBSCertificate) without the extension.
            issuer: Who will sign the certificate.
            at: The log's time.
        """
        fault = self._conduct.faults.sct
        if fault is SctFault.MISSING:
            return None
        if fault is SctFault.OTHER_CERTIFICATE:
            precertificate = precertificate[:-1] + bytes([precertificate[-1] ^ 1])
        key = self._stranger if fault is SctFault.OTHER_KEY else self.key
        promise = _promise(precertificate, issuer=issuer, at=at, key=key)
        promises = [promise] * (2 if fault is SctFault.TWICE else 1)
        packed = b"".join(_sized(one) for one in promises)
        return x509.UnrecognizedExtension(LIST_OID, encode_der(_sized(packed)))


def _promise(
    precertificate: bytes,
    *,
    issuer: ec.EllipticCurvePublicKey,
    at: datetime,
    key: ec.EllipticCurvePrivateKey,
) -> bytes:
    """Pack a SignedCertificateTimestamp; what its signature is over is never sent."""
    milliseconds = int(at.timestamp()) * 1000
    signed = (
        struct.pack(">BBQH", _V1, _CERTIFICATE_TIMESTAMP, milliseconds, _PRECERTIFICATE)
        + hashlib.sha256(public_der(issuer)).digest()
        + len(precertificate).to_bytes(3, "big")
        + precertificate
        + _NO_EXTENSIONS
    )
    signature = key.sign(signed, ec.ECDSA(SHA256()))
    return (
        struct.pack(">B32sQ", _V1, hashlib.sha256(public_der(key)).digest(), milliseconds)
        + _NO_EXTENSIONS
        + _SHA256_ECDSA
        + _sized(signature)
    )


def _sized(data: bytes) -> bytes:
    """Put the length before *data*, as TLS does for vectors of up to 65,535 bytes."""
    return len(data).to_bytes(2, "big") + data
