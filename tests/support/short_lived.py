"""Certificates as Fulcio issues them, and as it never would."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from weighbridge.core import fulcio

ISSUER = "https://issuer.example"
NAME = "ada@example.org"


def text(value: str) -> bytes:
    """Return the DER UTF8String of *value*."""
    return asn1.encode_der(value)


def issuers(old: str | None = ISSUER, new: str | None = ISSUER) -> dict[str, bytes]:
    """Return the two extensions that name the identity provider."""
    found = {}
    if old is not None:
        found[fulcio.ISSUER_TEXT] = old.encode()
    if new is not None:
        found[fulcio.ISSUER] = text(new)
    return found


def short_lived(
    names: Sequence[x509.GeneralName] | None = (x509.RFC822Name(NAME),),
    extensions: Mapping[str, bytes] | None = None,
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
) -> x509.Certificate:
    """Return a self-signed certificate with these names and extensions."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(minutes=10))
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, False, False, False, False), True
        )
        .add_extension(x509.ExtendedKeyUsage([usage]), False)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), True)
    for oid, value in (issuers() if extensions is None else extensions).items():
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        builder = builder.add_extension(extension, False)
    return builder.sign(key, SHA256())


def der(certificate: x509.Certificate) -> bytes:
    """Return the certificate's encoding."""
    return certificate.public_bytes(Encoding.DER)
