"""
Whom a short-lived certificate names.

Source: https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md and
oid-info.md. A certificate that says anything twice, or in two ways that differ, is refused: a
verifier that looks at one place and a person who looks at the other must not see two signers.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1

from weighbridge.core import fulcio
from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.signing.certificate_file import find_extension, load_certificate, signing_key
from weighbridge.signing.sigstore.expected import CertifiedSigner

_SHOWN: Final = 8


def load_signing_certificate(der: bytes, /, *, where: str) -> x509.Certificate:
    """
    Decode the signer's certificate, which is strict DER and for signing code.

    Raises:
        SignatureRejectedError: It is not.
    """
    certificate = load_certificate(der, where=where, error=SignatureRejectedError)
    signing_key(certificate, where=where, error=SignatureRejectedError)
    return certificate


def read_signer(certificate: x509.Certificate, /, *, where: str) -> CertifiedSigner:
    """
    Return whom *certificate* names, and what its identity provider said.

    Raises:
        SignatureRejectedError: It names nobody or several, or it contradicts itself.
    """
    values: dict[str, bytes] = {}
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.UnrecognizedExtension):
            values[extension.oid.dotted_string] = extension.value.value
    claims = {
        name: _read(values[oid], _der_text, what=name, where=where)
        for oid, name in fulcio.CLAIMS.items()
        if oid in values
    }
    claims |= {
        name: _read(values[oid], bytes.decode, what=name, where=where)
        for oid, name in fulcio.TEXT_CLAIMS.items()
        if oid in values
    }
    return CertifiedSigner(
        name=_name(certificate, where=where),
        issuer=_issuer(values, where=where),
        claims=MappingProxyType(dict(sorted(claims.items()))),
    )


def _name(certificate: x509.Certificate, *, where: str) -> str:
    """Return the one subject alternative name."""
    names = find_extension(certificate.extensions, x509.SubjectAlternativeName)
    every = list(names) if names is not None else []
    if len(every) != 1:
        raise _ambiguous(
            "exactly one subject alternative name", f"{len(every)}: {every[:_SHOWN]!r}", where
        )
    match every[0]:
        case x509.RFC822Name(value=text) | x509.UniformResourceIdentifier(value=text):
            return _printable(text, what="name", where=where)
        case x509.OtherName(value=der) as other if other.type_id.dotted_string == fulcio.USER_NAME:
            return _read(der, _der_text, what="name", where=where)
        case other:
            raise _ambiguous("an e-mail address, a URI or a user name", type(other).__name__, where)


def _issuer(values: dict[str, bytes], *, where: str) -> str:
    """Return the identity provider, which is stated in one or in two places."""
    found = set()
    if fulcio.ISSUER in values:
        found.add(_read(values[fulcio.ISSUER], _der_text, what="issuer", where=where))
    if fulcio.ISSUER_TEXT in values:
        found.add(_read(values[fulcio.ISSUER_TEXT], bytes.decode, what="issuer", where=where))
    if len(found) != 1:
        raise _ambiguous("exactly one identity provider", repr(sorted(found)), where)
    return found.pop()


def _read(data: bytes, decode: Callable[[bytes], str], *, what: str, where: str) -> str:
    try:
        text = decode(data)
    except ValueError as error:
        raise _ambiguous(f"text as {what}", data[:40].hex(), where) from error
    return _printable(text, what=what, where=where)


def _der_text(data: bytes) -> str:
    text = asn1.decode_der(str, data)
    assert isinstance(text, str)
    return text


def _printable(text: str, *, what: str, where: str) -> str:
    """
    Refuse text that people and programs could read differently.

    Control and format characters (NUL, line breaks, directions of writing) are in no URI and no
    e-mail address.
    """
    if not text or not text.isprintable():
        raise _ambiguous(f"printable text as {what}", ascii(text[:200]), where)
    return text


def _ambiguous(expected: str, found: str, where: str) -> SignatureRejectedError:
    return SignatureRejectedError(
        "the signer's certificate does not say clearly who signed",
        code=Code.CERTIFICATE_MALFORMED,
        where=where,
        expected=expected,
        found=found,
    )
