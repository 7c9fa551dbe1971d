"""
Reading X.509 certificates strictly, and asking them what they may be used for.

Source: RFC 5280. Decoding is the `cryptography` package's; what is added here is that a
certificate has one spelling only (DER), so that no byte of it can change unnoticed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import VerificationError

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, RefusedError
from weighbridge.core.limits.signing import MAX_CERTIFICATES
from weighbridge.signing.ecdsa import CURVES
from weighbridge.signing.pem import read_blocks

FOREIGN_ERRORS: Final = (
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    VerificationError,
    UserWarning,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""
Whatever the dependency raises about a certificate; none of it leaves this package. Its warnings
are among them because an interpreter that makes warnings errors raises them.
"""

_LABEL: Final = "CERTIFICATE"

T = TypeVar("T", bound=x509.ExtensionType)


@contextmanager
def mapped(error: type[RefusedError], *, code: Code, where: str, message: str) -> Iterator[None]:
    """Turn the dependency's errors within the block into *error*."""
    try:
        yield
    except FOREIGN_ERRORS as foreign:
        found = str(foreign).splitlines()[0][:200] if str(foreign) else type(foreign).__name__
        raise error(message, code=code, where=where, found=found) from foreign


def load_certificate(der: bytes, *, where: str, error: type[RefusedError]) -> x509.Certificate:
    """
    Decode one certificate, wholly.

    Args:
        der: Its bytes.
        where: Where they are from, for messages.
        error: What to raise.

    Raises:
        RefusedError: *error*; the bytes are not the DER encoding of a certificate whose names,
            extensions and key can be read.
    """
    message = "the certificate cannot be decoded"
    with mapped(error, code=Code.CERTIFICATE_MALFORMED, where=where, message=message):
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        # These decode lazily: a failure must come now, not in the middle of a check.
        _ = (certificate.extensions, certificate.subject, certificate.issuer)
        encoded = certificate.public_bytes(Encoding.DER)
        if certificate.serial_number < 1:
            raise ValueError("the serial number is not positive (RFC 5280 4.1.2.2)")
    # The signature is a BIT STRING whose first byte counts unused bits: DER of a whole number
    # of bytes has none, and a decoder may ignore the difference.
    if encoded != der or not der.endswith(b"\x00" + certificate.signature):
        raise error(
            message,
            code=Code.CERTIFICATE_MALFORMED,
            where=where,
            expected="DER, the one canonical encoding",
            found="another one",
        )
    return certificate


def load_certificates(data: bytes, *, where: str) -> list[x509.Certificate]:
    """
    Return the certificates of a PEM file, at least one.

    Raises:
        KeyRejectedError: Not a PEM file of certificates, or too many of them.
    """
    blocks = read_blocks(data, where=where, code=Code.CERTIFICATE_MALFORMED)
    if len(blocks) > MAX_CERTIFICATES:
        raise KeyRejectedError(
            "too many certificates",
            code=Code.CERTIFICATE_MALFORMED,
            where=where,
            expected=f"at most {MAX_CERTIFICATES}",
            found=str(len(blocks)),
        )
    for block in blocks:
        if block.label != _LABEL:
            raise KeyRejectedError(
                "the file holds something else",
                code=Code.CERTIFICATE_MALFORMED,
                where=where,
                expected="certificates only",
                found=block.label,
            )
    return [load_certificate(b.der, where=where, error=KeyRejectedError) for b in blocks]


def signing_key(
    certificate: x509.Certificate, *, where: str, error: type[RefusedError]
) -> EllipticCurvePublicKey:
    """
    Return the key of a certificate that may sign models.

    Raises:
        RefusedError: *error*; the key is not on a supported curve, or the certificate is for
            another purpose.
    """
    key = certificate.public_key()
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise error(
            "the certificate's key is of a kind that the signature format does not allow",
            code=Code.KEY_UNSUPPORTED,
            where=where,
            expected="an elliptic-curve key on " + ", ".join(CURVES),
            found=type(key).__name__,
        )
    problem = _usage_problem(certificate)
    if problem is not None:
        raise error(
            "the certificate is not for signing models",
            code=Code.CERTIFICATE_USAGE,
            where=where,
            expected="key usage digitalSignature, extended key usage codeSigning or none, and "
            "no authority",
            found=problem,
        )
    return key


def _usage_problem(certificate: x509.Certificate) -> str | None:
    """
    Tell why *certificate* may not sign models, if it may not.

    An authority must not sign models: its key speaks for everybody below it. One kind of
    certificate is told apart from that: some private authorities mark their leaves `cA:TRUE`
    by mistake, and models signed with such certificates exist. It is accepted where the key
    usage denies signing certificates and lists, so that it is no authority by RFC 5280
    (4.2.1.9: without keyCertSign the key must not be used to verify certificates), and where
    its purpose is stated to be code signing. Nor can it serve as an authority here: the path
    rules refuse an issuer whose key usage lacks keyCertSign.
    """
    extensions = certificate.extensions
    usage = find_extension(extensions, x509.KeyUsage)
    extended = find_extension(extensions, x509.ExtendedKeyUsage)
    constraints = find_extension(extensions, x509.BasicConstraints)
    if usage is None or not usage.digital_signature:
        return "no digitalSignature"
    if usage.key_cert_sign or usage.crl_sign:
        return "the usage of an authority"
    if extended is not None and not allows_purpose(extended, ExtendedKeyUsageOID.CODE_SIGNING):
        return "an extended key usage without codeSigning"
    stated = extended is not None and ExtendedKeyUsageOID.CODE_SIGNING in extended
    if constraints is not None and constraints.ca and not stated:
        return "an authority (cA:TRUE)"
    return None


def allows_purpose(extended: x509.ExtendedKeyUsage, purpose: x509.ObjectIdentifier, /) -> bool:
    """Tell whether *extended* has *purpose*, or any usage at all (RFC 5280 4.2.1.12)."""
    return purpose in extended or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in extended


def find_extension(extensions: x509.Extensions, kind: type[T]) -> T | None:
    """Return the extension *kind*, if it is there."""
    for extension in extensions:
        if isinstance(extension.value, kind):
            return extension.value
    return None


def is_valid_at(certificate: x509.Certificate, at: datetime) -> bool:
    """Tell whether *at* lies in the certificate's validity, both ends included."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether *issuer*'s name and key signed the very bytes of *certificate*."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except FOREIGN_ERRORS:
        return False
    return True


def described(certificate: x509.Certificate) -> str:
    """Name *certificate* for people."""
    return certificate.subject.rfc4514_string() or f"serial {certificate.serial_number:x}"
