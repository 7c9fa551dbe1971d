"""A small public-key infrastructure for tests: authorities and leaves, made to order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
"""The clock of these tests; every certificate is valid around it unless asked otherwise."""

CURVES: dict[str, ec.EllipticCurve] = {
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
}

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING


def curve_key(curve: str = "secp256r1", *, number: int = 0) -> ec.EllipticCurvePrivateKey:
    """Return the key *number* on *curve*; the same one within a test run."""
    return _curve_key(curve, number)


@cache
def _curve_key(curve: str, number: int) -> ec.EllipticCurvePrivateKey:
    del number
    return ec.generate_private_key(CURVES[curve])


@cache
def rsa_key(*, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return an RSA key; the same one within a test run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    """Return an Ed25519 key; the same one within a test run."""
    return ed25519.Ed25519PrivateKey.generate()


def private_pem(
    key: PrivateKey,
    *,
    password: bytes | None = None,
    form: PrivateFormat = PrivateFormat.PKCS8,
) -> bytes:
    """Return the PEM file of a private key."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption)


def public_pem(key: PrivateKey) -> bytes:
    """Return the PEM file of the public half."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_usage(*names: str) -> x509.KeyUsage:
    """Return the key usage extension with exactly the bits *names*."""
    bits = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in names for bit in bits})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a certificate is to say; the defaults make an ordinary signing certificate."""

    subject: str = "CN=signer,O=Example"
    is_ca: bool | None = False
    path_length: int | None = None
    usage: tuple[str, ...] | None = ("digital_signature",)
    extended: tuple[x509.ObjectIdentifier, ...] | None = (CODE_SIGNING,)
    names: tuple[x509.GeneralName, ...] = ()
    not_before: datetime = NOW - timedelta(days=30)
    not_after: datetime = NOW + timedelta(days=30)
    more: tuple[tuple[x509.ExtensionType, bool], ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate's PEM file."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate's DER bytes."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        """The key's PEM file."""
        return private_pem(self.key)

    def issue(self, plan: Plan, *, key: PrivateKey | None = None) -> "Issued":
        """Issue a certificate."""
        key = key or curve_key(number=7)
        certificate = _certificate(
            plan, key=key, issuer=self.certificate.subject, issuer_key=self.key
        )
        return Issued(certificate=certificate, key=key)


AUTHORITY = Plan(
    subject="CN=root,O=Example",
    is_ca=True,
    usage=("key_cert_sign", "crl_sign"),
    extended=None,
)


def root(plan: Plan = AUTHORITY, *, key: PrivateKey | None = None) -> Issued:
    """Return a self-signed authority."""
    key = key or curve_key("secp384r1", number=1)
    name = x509.Name.from_rfc4514_string(plan.subject)
    return Issued(certificate=_certificate(plan, key=key, issuer=name, issuer_key=key), key=key)


def intermediate_plan(
    subject: str = "CN=intermediate,O=Example",
    *,
    extended: tuple[x509.ObjectIdentifier, ...] | None = None,
    path_length: int | None = None,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> Plan:
    """Return the plan of an ordinary intermediate authority."""
    return Plan(
        subject=subject,
        is_ca=True,
        path_length=path_length,
        usage=("key_cert_sign", "crl_sign"),
        extended=extended,
        more=more,
    )


def bundle_pem(certificates: Sequence[Issued]) -> bytes:
    """Return one PEM file with all *certificates*."""
    return b"".join(issued.pem for issued in certificates)


def _certificate(
    plan: Plan, *, key: PrivateKey, issuer: x509.Name, issuer_key: PrivateKey
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(plan.subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(plan.not_before)
        .not_valid_after(plan.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if plan.is_ca is not None:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=plan.is_ca, path_length=plan.path_length), critical=True
        )
    if plan.usage is not None:
        builder = builder.add_extension(key_usage(*plan.usage), critical=True)
    if plan.extended is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(plan.extended), critical=False)
    if plan.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(plan.names), critical=False)
    for extension, critical in plan.more:
        builder = builder.add_extension(extension, critical=critical)
    algorithm = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(issuer_key, algorithm)


__all__ = [
    "AUTHORITY",
    "CODE_SIGNING",
    "CURVES",
    "NOW",
    "Issued",
    "NameOID",
    "Plan",
    "PrivateKey",
    "bundle_pem",
    "curve_key",
    "ed25519_key",
    "intermediate_plan",
    "key_usage",
    "private_pem",
    "public_pem",
    "root",
    "rsa_key",
]
