"""Keys and certificates of the authorities of the test instance."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from weighbridge.core.values import frozen

ORGANIZATION: Final = "weighbridge loopback test instance"
_AUTHORITY_LIFETIME: Final = timedelta(days=1)
_BACKDATED: Final = timedelta(hours=1)


@frozen
class Holder:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


@frozen
class Authority:
    """
    A certificate authority of two tiers.

    Attributes:
        root: Signs the intermediate only.
        intermediate: Signs what the authority issues.
    """

    root: Holder
    intermediate: Holder

    @classmethod
    def make(cls, name: str, *, now: datetime) -> Self:
        """Make an authority; two of the same *name* differ in nothing but their keys."""
        root = _certify(f"{name} root", authority=True, now=now)
        return cls(
            root=root,
            intermediate=_certify(f"{name} intermediate", issuer=root, authority=True, now=now),
        )

    @property
    def chain(self) -> tuple[Holder, Holder]:
        """The intermediate, then the root."""
        return self.intermediate, self.root

    def stamping(self, name: str, *, now: datetime, extended: x509.ObjectIdentifier) -> Holder:
        """Issue the certificate that a timestamp authority signs with."""
        return _certify(name, issuer=self.intermediate, extended=extended, now=now)


def public_der(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bytes:
    """Return the public key as DER (SubjectPublicKeyInfo)."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a key; it stays in memory."""
    return ec.generate_private_key(ec.SECP256R1())


def key_usage(*, signatures: bool = False, certificates: bool = False) -> x509.KeyUsage:
    """Return what a key may be used for."""
    return x509.KeyUsage(
        digital_signature=signatures,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def key_identifiers(
    key: ec.EllipticCurvePublicKey, *, issuer: ec.EllipticCurvePublicKey
) -> Sequence[x509.ExtensionType]:
    """Return the extensions that tell the keys of a certificate and of its issuer."""
    return (
        x509.SubjectKeyIdentifier.from_public_key(key),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer),
    )


def _certify(
    name: str,
    *,
    now: datetime,
    issuer: Holder | None = None,
    authority: bool = False,
    extended: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING,
) -> Holder:
    key = new_key()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    issuer_key = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(key_usage(signatures=not authority, certificates=authority), critical=True)
    )
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([extended]), critical=True)
    for extension in key_identifiers(key.public_key(), issuer=issuer_key.public_key()):
        builder = builder.add_extension(extension, critical=False)
    return Holder(certificate=builder.sign(issuer_key, SHA256()), key=key)
