"""
The one form of a timestamp that is read: strict, with nothing in it that nobody signed.

The library that verifies timestamps (`rfc3161-client`) reads more than it verifies: versions,
the name of the signature algorithm, attributes and certificates that no signature is over.
Here such parts have to be as the specifications say, or absent, so that a timestamp has one
spelling. Decoding is the `cryptography` package's; this module says only what the fields are.

Source: RFC 3161, sections 2.4.1 and 2.4.2; RFC 5652, section 5.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_SIGNED_DATA_VERSION: Final = 3
"""RFC 5652 5.1: the content is not `id-data`."""

_SIGNER_VERSION: Final = 1
"""RFC 5652 5.3: the signer is named by issuer and serial number."""

_SEQUENCE: Final = b"\x30"
_CONTEXT_0: Final = b"\xa0"
_STATUS_GRANTED: Final = b"\x02\x01\x00"
_LONG_FORM: Final = 0x80
_NULL: Final = "0500"
_SHA2: Final = MappingProxyType(
    {
        "0609608648016503040201": "sha256",
        "0609608648016503040202": "sha384",
        "0609608648016503040203": "sha512",
    }
)
_RSA: Final = "06092a864886f70d010101" + _NULL
_SIGNATURES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sha256": ("06082a8648ce3d040302", _RSA, "06092a864886f70d01010b" + _NULL),
        "sha384": ("06082a8648ce3d040303", _RSA, "06092a864886f70d01010c" + _NULL),
        "sha512": ("06082a8648ce3d040304", _RSA, "06092a864886f70d01010d" + _NULL),
    }
)
"""Per digest: ECDSA, RSA, and RSA with the digest named again (RFC 5754, sections 3.2, 3.3)."""


@asn1.sequence
class _SignerInfo:
    """RFC 5652 5.3, without the attributes that nobody signs."""

    version: int
    signer: asn1.TLV
    digest_algorithm: asn1.TLV
    signed_attributes: asn1.TLV
    signature_algorithm: asn1.TLV
    signature: bytes


@asn1.sequence
class _Content:
    """RFC 5652 5.2."""

    kind: ObjectIdentifier
    content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class _SignedData:
    """RFC 5652 5.1, without lists of revoked certificates."""

    version: int
    digest_algorithms: asn1.SetOf[asn1.TLV]
    content: _Content
    certificates: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(0)]
    signers: asn1.SetOf[_SignerInfo]


@asn1.sequence
class _Token:
    """RFC 5652 3."""

    kind: ObjectIdentifier
    content: Annotated[_SignedData, asn1.Explicit(0)]


@asn1.sequence
class _Status:
    """RFC 3161 2.4.2, without a failure. Some authorities say in words that all is well."""

    status: int
    words: list[str] | None


@asn1.sequence
class _Response:
    """RFC 3161 2.4.2."""

    status: _Status
    token: _Token


@asn1.sequence
class _LooseSignedData:
    """As `_SignedData`, with certificates in any order."""

    version: asn1.TLV
    digest_algorithms: asn1.TLV
    content: asn1.TLV
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    signers: asn1.TLV


@asn1.sequence
class _LooseToken:
    """As `_Token`."""

    kind: asn1.TLV
    content: Annotated[_LooseSignedData, asn1.Explicit(0)]


@asn1.sequence
class _LooseResponse:
    """As `_Response`."""

    status: _Status
    token: _LooseToken


def form_problem(response: bytes, /) -> str | None:
    """
    Say what is not as it must be in the DER of a timestamp response; None if nothing is.

    Nothing is verified here: a timestamp of the right form may say anything.
    """
    try:
        decoded = asn1.decode_der(_Response, response)
    except ValueError as error:
        return f"not a timestamp that was granted, in DER: {str(error).splitlines()[0][:120]}"
    kinds = (decoded.token.kind.dotted_string, decoded.token.content.content.kind.dotted_string)
    if decoded.status.status != 0 or kinds != (_SIGNED_DATA, _TST_INFO):
        return "not a timestamp that was granted"
    return _content_problem(decoded.token.content)


def _content_problem(data: _SignedData) -> str | None:
    signers = data.signers.as_list()
    if len(signers) != 1:
        return f"{len(signers)} signers in place of one"
    (signer,) = signers
    if (data.version, signer.version) != (_SIGNED_DATA_VERSION, _SIGNER_VERSION):
        return "a version that does not belong to its content"
    carried = data.certificates.as_list() if data.certificates is not None else []
    if len({(bytes(c.tag_bytes), bytes(c.data)) for c in carried}) != len(carried):
        return "a certificate twice"
    if _tags(signer.signer, signer.signed_attributes) != (_SEQUENCE, _CONTEXT_0):
        return "a signer who is not named by issuer and serial number, or signed no attributes"
    return _algorithm_problem(data, signer)


def _algorithm_problem(data: _SignedData, signer: _SignerInfo) -> str | None:
    digests = [_algorithm(found) for found in data.digest_algorithms.as_list()]
    if digests != [_algorithm(signer.digest_algorithm)]:
        return "another list of digests than the signer's one"
    digest = _SHA2.get(digests[0].removesuffix(_NULL))
    if digest is None:
        return "signed with a digest weaker than SHA-256, or an unknown one"
    if _algorithm(signer.signature_algorithm) not in _SIGNATURES[digest]:
        return "signed with an algorithm that does not belong to its digest"
    return None


def normal_form(response: bytes, /) -> bytes:
    """
    Return *response* without the authority's words, and with its certificates in DER's order.

    Neither is signed, and common software for authorities leaves certificates in another order,
    which no reader of strict DER takes. What cannot be decoded is returned as it is.
    """
    try:
        decoded = asn1.decode_der(_LooseResponse, response)
    except ValueError:
        return response
    if decoded.status.status != 0:
        return response
    data = decoded.token.content
    certificates = () if data.certificates is None else sorted(_bytes(c) for c in data.certificates)
    content = b"".join(
        (
            _bytes(data.version),
            _bytes(data.digest_algorithms),
            _bytes(data.content),
            _encode(_CONTEXT_0, b"".join(certificates)) if certificates else b"",
            _bytes(data.signers),
        )
    )
    token = _bytes(decoded.token.kind) + _encode(_CONTEXT_0, _encode(_SEQUENCE, content))
    return _encode(_SEQUENCE, _encode(_SEQUENCE, _STATUS_GRANTED) + _encode(_SEQUENCE, token))


def _algorithm(found: asn1.TLV) -> str:
    """Return what is in an AlgorithmIdentifier, as hex; nothing for anything else."""
    return bytes(found.data).hex() if _tags(found) == (_SEQUENCE,) else ""


def _tags(*found: asn1.TLV) -> tuple[bytes, ...]:
    return tuple(bytes(each.tag_bytes) for each in found)


def _bytes(found: asn1.TLV) -> bytes:
    """Return what was decoded as it was."""
    return _encode(bytes(found.tag_bytes), bytes(found.data))


def _encode(tag: bytes, content: bytes) -> bytes:
    """Return the DER of *content* under *tag* (X.690, 8.1.3)."""
    size = len(content)
    if size < _LONG_FORM:
        return tag + bytes([size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return tag + bytes([_LONG_FORM | len(length)]) + length + content
