"""
A client of the test instance that checks nothing of what it gets.

The real clients refuse to finish a signature when an authority misbehaves, or when a certificate
has expired. This one takes what it gets, part by part, so that each part can be exchanged before
they are put together.
"""

import hashlib
import json
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimestampRequestBuilder

from weighbridge.core.values import frozen
from weighbridge.demo.instance import rekor, rekor_v1
from weighbridge.demo.instance.authority import new_key
from weighbridge.demo.instance.encoding import to_base64
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.demo.instance.server import Document
from weighbridge.formats.json import JsonValue
from weighbridge.signing.dsse import PAYLOAD_TYPE, encode

_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"


@frozen
class Parts:
    """
    The parts of a keyless signature.

    Attributes:
        payload: The statement.
        signature: Over it.
        certificate: The signer's (DER).
        entry: The log's, as in a signature file.
        stamps: Timestamps over the signature (DER).
    """

    payload: bytes
    signature: bytes
    certificate: bytes
    entry: JsonValue
    stamps: tuple[bytes, ...]

    def bundle(self) -> bytes:
        """Return the signature file."""
        document: JsonValue = {
            "mediaType": _MEDIA_TYPE,
            "verificationMaterial": {
                "certificate": {"rawBytes": to_base64(self.certificate)},
                "tlogEntries": [self.entry],
                "timestampVerificationData": {
                    "rfc3161Timestamps": [
                        {"signedTimestamp": to_base64(stamp)} for stamp in self.stamps
                    ]
                },
            },
            "dsseEnvelope": _envelope(self.payload, self.signature),
        }
        return json.dumps(document).encode()


def sign_carelessly(
    instance: LoopbackSigstore,
    statement: bytes,
    *,
    token: str,
    log_version: int = 2,
    stamps: int | None = None,
) -> Parts:
    """
    Sign *statement* as whoever *token* is about, with a key that nobody keeps.

    Args:
        instance: Where to get what a signature needs, as good or bad as it is.
        statement: The bytes to sign.
        token: For the certificate authority.
        log_version: Of the log's protocol.
        stamps: How many timestamps to get; the default is one where the log tells no time.

    Raises:
        RequestRefusedError: A service does not do its part.
    """
    key = new_key()
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    pem, *_ = instance.fulcio.issue(token, request.sign(key, SHA256()))
    certificate = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    signature = key.sign(encode(statement), ec.ECDSA(SHA256()))
    if stamps is None:
        stamps = 0 if log_version == 1 else 1
    return Parts(
        payload=statement,
        signature=signature,
        certificate=certificate,
        entry=log_carelessly(instance, statement, signature, certificate, version=log_version),
        stamps=tuple(stamp(instance, signature) for _ in range(stamps)),
    )


def stamp(instance: LoopbackSigstore, message: bytes) -> bytes:
    """Return a timestamp over *message*."""
    return instance.tsa.stamp(TimestampRequestBuilder().data(message).build().as_bytes())


def log_carelessly(
    instance: LoopbackSigstore,
    statement: bytes,
    signature: bytes,
    certificate: bytes,
    *,
    version: int,
) -> JsonValue:
    """Log a signature, and return the entry as in a signature file."""
    if version == 1:
        return _logged_v1(instance, statement, signature, certificate)
    verifier: JsonValue = {
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "x509Certificate": {"rawBytes": to_base64(certificate)},
    }
    request: JsonValue = {
        "hashedRekordRequestV002": {
            "digest": to_base64(hashlib.sha256(encode(statement)).digest()),
            "signature": {"content": to_base64(signature), "verifier": verifier},
        }
    }
    return rekor.log_signature(instance.log, Document(request))


def _logged_v1(
    instance: LoopbackSigstore, statement: bytes, signature: bytes, certificate: bytes
) -> JsonValue:
    pem = x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
    request: JsonValue = {
        "kind": "dsse",
        "apiVersion": "0.0.1",
        "spec": {
            "proposedContent": {
                "envelope": json.dumps(_envelope(statement, signature)),
                "verifiers": [to_base64(pem)],
            }
        },
    }
    return rekor_v1.log_envelope(instance.log, Document(request)).entry()


def _envelope(payload: bytes, signature: bytes) -> JsonValue:
    return {
        "payload": to_base64(payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": to_base64(signature)}],
    }
