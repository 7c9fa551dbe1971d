"""
The signature file: a Sigstore bundle with a DSSE envelope, parsed strictly and written.

Source: OMS specification 1.0, sections 4 and 5 with its JSON schemas; Sigstore bundle 0.3.

A bundle is refused unless it has exactly the members that the format defines, exactly one
signature (protobuf-specs 318), and canonical base64, so that no two files that differ in
meaning-bearing bytes are the same signature. White space between JSON tokens stays free:
producers differ in it. `render_bundle` writes none at all, so that every changed byte of a
file that it wrote either changes the meaning or breaks the syntax.
"""

import base64
import json
from typing import Final, TypeAlias

from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError, SignatureRejectedError
from weighbridge.core.identity import SigningMethod
from weighbridge.core.limits.signing import (
    MAX_BUNDLE_BYTES,
    MAX_CERTIFICATES,
    MAX_KEY_FILE_BYTES,
    MAX_SIGNATURE_BYTES,
    MAX_TIMESTAMP_BYTES,
    MAX_TIMESTAMPS,
    MAX_WIDE_BUNDLE_BYTES,
)
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.formats.json.members import Members
from weighbridge.signing.dsse import PAYLOAD_TYPE
from weighbridge.signing.sigstore.material import (
    SigstoreMaterial,
    read_material,
    render_material,
)

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""The one media type of key and certificate signatures; peers accept no other."""

_OTHER_SPELLING: Final = "application/vnd.dev.sigstore.bundle+json;version=0.3"
"""The same version's media type as keyless signatures may have it, too."""

_MATERIALS: Final = ("publicKey", "x509CertificateChain", "certificate")


@frozen
class KeyMaterial:
    """
    What a key signature says of its key: a hint for finding it, never trusted.

    Attributes:
        hint: Hex SHA-256 of the public key's PEM text; None in signatures before 1.1.
        public_pem: The PEM text itself, in signatures before 1.1.
        details: Name of curve and hash, in signatures before 1.1.
    """

    hint: str | None
    public_pem: bytes | None = None
    details: str | None = None


@frozen
class CertificateMaterial:
    """The certificates of a certificate signature: DER, the signer's first, all untrusted."""

    certificates: tuple[bytes, ...]


Material: TypeAlias = KeyMaterial | CertificateMaterial | SigstoreMaterial


@frozen
class Bundle:
    """
    A parsed signature file; nothing in it is verified yet.

    Attributes:
        where: The file, for messages.
        payload: The signed statement's bytes as they were received.
        signature: DER of an ECDSA signature, or the signature of another kind of key.
        material: Which key signed.
        timestamps: RFC 3161 responses over `signature`, as they were received.
    """

    where: str
    payload: bytes
    signature: bytes
    material: Material
    timestamps: tuple[bytes, ...] = ()

    @property
    def method(self) -> SigningMethod:
        """How the signature claims to be made."""
        match self.material:
            case KeyMaterial():
                return SigningMethod.KEY
            case CertificateMaterial():
                return SigningMethod.CERTIFICATE
            case SigstoreMaterial():
                return SigningMethod.SIGSTORE

    def other_method(self, expected: SigningMethod, /) -> SignatureRejectedError:
        """Build the error for a signature that was not made by the *expected* method."""
        return SignatureRejectedError(
            "the signature was made by another method",
            code=Code.SIGNATURE_METHOD,
            where=self.where,
            expected=str(expected),
            found=str(self.method),
            hint=f"Verify it with the method '{self.method}'",
        )


def parse_bundle(data: bytes, *, where: str) -> Bundle:
    """
    Parse the signature file *data*, read from *where*.

    Raises:
        SignatureRejectedError: Too large, not a bundle of this format, or one with more or
            fewer than one signature.
        LimitExceededError: JSON nested beyond any sense.
    """
    narrow = data.isascii() and b"\\u" not in data
    limit = MAX_BUNDLE_BYTES if narrow else min(MAX_BUNDLE_BYTES, MAX_WIDE_BUNDLE_BYTES)
    if len(data) > limit:
        raise SignatureRejectedError(
            "the signature file is too large",
            code=Code.SIGNATURE_MALFORMED,
            where=where,
            expected=f"at most {limit} bytes",
            found=str(len(data)),
        )
    bundle = Members(
        _document(data, where=where),
        at="bundle",
        where=where,
        raises=SignatureRejectedError,
        code=Code.SIGNATURE_MALFORMED,
    )
    bundle.allow({"mediaType", "verificationMaterial", "dsseEnvelope"})
    verification = bundle.object("verificationMaterial")
    material = _material(verification)
    keyless = isinstance(material, SigstoreMaterial)
    if not (keyless and bundle.text("mediaType") == _OTHER_SPELLING):
        bundle.constant("mediaType", MEDIA_TYPE)
    payload, signature = _envelope(bundle.object("dsseEnvelope"))
    return Bundle(
        where=where,
        payload=payload,
        signature=signature,
        material=material,
        timestamps=_timestamps(verification),
    )


def render_bundle(
    *,
    payload: bytes,
    signature: bytes,
    material: Material,
    timestamps: tuple[bytes, ...] = (),
) -> bytes:
    """
    Return the signature file: one line of JSON with sorted keys and no white space.

    Args:
        payload: The very bytes that are signed.
        signature: Over their DSSE encoding.
        material: Which key signed.
        timestamps: RFC 3161 time stamps over the signature.
    """
    signed: dict[str, JsonValue] = {"sig": _base64(signature)}
    if not isinstance(material, SigstoreMaterial):
        signed["keyid"] = ""
    bundle: JsonValue = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": _rendered(material, timestamps),
        "dsseEnvelope": {
            "payload": _base64(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [signed],
        },
    }
    return json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode("ascii")


def _rendered(material: Material, timestamps: tuple[bytes, ...]) -> JsonValue:
    described: dict[str, JsonValue]
    match material:
        case SigstoreMaterial():
            return render_material(material, timestamps=timestamps)
        case KeyMaterial():
            described = {"publicKey": {"hint": material.hint}}
        case CertificateMaterial():
            chain: list[JsonValue] = [{"rawBytes": _base64(der)} for der in material.certificates]
            described = {"x509CertificateChain": {"certificates": chain}}
    described["tlogEntries"] = []
    if timestamps:
        stamps: list[JsonValue] = [{"signedTimestamp": _base64(stamp)} for stamp in timestamps]
        described["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    return described


def _document(data: bytes, *, where: str) -> JsonValue:
    """Parse strict JSON; another kind of file is a malformed signature."""
    try:
        return parse_json(data, what=where)
    except MalformedContentError as error:
        raise SignatureRejectedError(
            "the signature file is not strict JSON",
            code=Code.SIGNATURE_MALFORMED,
            where=where,
            expected=error.expected,
            found=error.found,
        ) from error


def _material(verification: Members[SignatureRejectedError]) -> Material:
    """Read what identifies the key; exactly one kind of it."""
    present = [name for name in _MATERIALS if name in verification]
    if len(present) != 1:
        raise verification.error(
            "the kind of signature cannot be told",
            expected="exactly one of " + ", ".join(_MATERIALS),
            found=", ".join(present) or "none",
        )
    if present == ["certificate"]:
        return read_material(verification)
    verification.allow({present[0], "tlogEntries", "timestampVerificationData"})
    if "tlogEntries" in verification and verification.items("tlogEntries"):
        raise verification.error(
            "log entries that nothing would verify",
            expected="none in a signature by key or certificate chain",
            found="some",
        )
    if present == ["publicKey"]:
        return _key_material(verification.object("publicKey"))
    return _certificate_material(verification.object("x509CertificateChain"))


def _key_material(key: Members[SignatureRejectedError]) -> KeyMaterial:
    key.allow({"hint", "rawBytes", "keyDetails"})
    hint = key.text("hint") if "hint" in key else None
    pem = key.binary("rawBytes", limit=MAX_KEY_FILE_BYTES) if "rawBytes" in key else None
    if hint is None and pem is None:
        raise key.error("nothing tells the key", expected="hint or rawBytes", found="neither")
    details = key.text("keyDetails") if "keyDetails" in key else None
    return KeyMaterial(hint=hint, public_pem=pem, details=details)


def _certificate_material(chain: Members[SignatureRejectedError]) -> CertificateMaterial:
    chain.allow({"certificates"})
    certificates = []
    for certificate in chain.objects("certificates", limit=MAX_CERTIFICATES):
        certificate.allow({"rawBytes"})
        certificates.append(certificate.binary("rawBytes", limit=MAX_KEY_FILE_BYTES))
    if not certificates:
        raise chain.error("no certificate", expected="the signer's at least", found="none")
    return CertificateMaterial(certificates=tuple(certificates))


def _envelope(envelope: Members[SignatureRejectedError]) -> tuple[bytes, bytes]:
    """Return payload and signature of the DSSE envelope."""
    envelope.allow({"payload", "payloadType", "signatures"})
    envelope.constant("payloadType", PAYLOAD_TYPE)
    count = len(envelope.items("signatures"))
    if count != 1:
        raise envelope.error(
            "the number of signatures is wrong",
            expected="exactly one",
            found=str(count),
            code=Code.SIGNATURE_COUNT,
        )
    (signature,) = envelope.objects("signatures", limit=1)
    signature.allow({"sig", "keyid"})
    if "keyid" in signature and signature.value("keyid") not in ("", None):
        raise signature.error("keyid is not used", expected="empty, null or absent", found="one")
    return (
        envelope.binary("payload", limit=MAX_BUNDLE_BYTES),
        signature.binary("sig", limit=MAX_SIGNATURE_BYTES),
    )


def _timestamps(verification: Members[SignatureRejectedError]) -> tuple[bytes, ...]:
    """Return the time stamp tokens, if there are any."""
    if "timestampVerificationData" not in verification:
        return ()
    data = verification.object("timestampVerificationData")
    data.allow({"rfc3161Timestamps"})
    if "rfc3161Timestamps" not in data:
        return ()
    tokens = []
    for stamp in data.objects("rfc3161Timestamps", limit=MAX_TIMESTAMPS):
        stamp.allow({"signedTimestamp"})
        tokens.append(stamp.binary("signedTimestamp", limit=MAX_TIMESTAMP_BYTES))
    if len(set(tokens)) != len(tokens):
        raise data.error("a timestamp is there twice", expected="every one once", found="two")
    return tuple(tokens)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
