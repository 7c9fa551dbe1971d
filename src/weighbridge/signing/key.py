"""
The key method: an elliptic-curve key that the verifier was given beforehand.

Source: OMS specification 1.0, section 5; key files RFC 5208, RFC 5915, RFC 7468.

Nothing of X.509 is imported here: a key signature needs none of it, and it costs start-up.
"""

import hashlib
from datetime import datetime
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, SignatureRejectedError
from weighbridge.core.identity import KeyIdentity, SigningMethod
from weighbridge.signing.bundle import Bundle, KeyMaterial, render_bundle
from weighbridge.signing.ecdsa import (
    CURVES,
    SigningKey,
    curve_hash,
    sign_payload,
    verify_payload,
)
from weighbridge.signing.pem import PemBlock, read_blocks

_PRIVATE_LABELS: Final = ("PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
_PUBLIC_LABEL: Final = "PUBLIC KEY"
_PARAMETERS_LABEL: Final = "EC PARAMETERS"
_DETAILS: Final = MappingProxyType(
    {
        "secp256r1": "PKIX_ECDSA_P256_SHA_256",
        "secp384r1": "PKIX_ECDSA_P384_SHA_384",
        "secp521r1": "PKIX_ECDSA_P521_SHA_512",
    }
)


_LEGACY_DETAILS: Final = _DETAILS["secp256r1"]
"""What releases before 1.0 wrote whatever the curve."""


class KeySigner:
    """Signs with an elliptic-curve private key."""

    def __init__(self, key: SigningKey, *, method: SigningMethod = SigningMethod.KEY) -> None:
        """
        Hold *key*.

        Args:
            key: On one of `CURVES`; a token's key is one as well.
            method: What a result says of how it was signed; the signature is the same.
        """
        self._key = key
        self._method = method

    @classmethod
    def from_pem(
        cls, data: bytes, *, password: bytes | None = None, where: str = "the private key"
    ) -> "KeySigner":
        """
        Read a private key from a PEM file (PKCS #8 or SEC 1, encrypted or not).

        Raises:
            KeyRejectedError: As `load_private_key`.
        """
        return cls(load_private_key(data, password=password, where=where))

    @property
    def method(self) -> SigningMethod:
        """How the signature is made."""
        return self._method

    @property
    def identity(self) -> KeyIdentity:
        """What a verifier will report for signatures of this key."""
        return _identity(self._key.public_key())

    def sign(self, statement: bytes, /) -> bytes:
        """Return the signature file for the very bytes *statement*."""
        return render_bundle(
            payload=statement,
            signature=sign_payload(self._key, statement),
            material=KeyMaterial(hint=key_hint(self._key.public_key())),
        )


class KeyVerifier:
    """
    Accepts signatures of one public key.

    What the signature file says of its key is compared with the given key and never used in
    its place.
    """

    method: Final = SigningMethod.KEY

    def __init__(
        self, key: EllipticCurvePublicKey, *, where: str, allow_legacy: bool = False
    ) -> None:
        self._key = key
        self._where = where
        self._allow_legacy = allow_legacy

    @classmethod
    def from_pem(
        cls, data: bytes, *, where: str = "the public key", allow_legacy: bool = False
    ) -> "KeyVerifier":
        """
        Read the public key from a PEM file.

        Args:
            data: Exactly what a PEM writer produces for the key; see `pem`.
            where: The file, for messages.
            allow_legacy: Whether to accept the signature encoding of releases before 1.0.

        Raises:
            KeyRejectedError: Not a public key, not canonical, or not on a supported curve.
        """
        key = load_public_key(data, where=where)
        return cls(key, where=where, allow_legacy=allow_legacy)

    @property
    def identity(self) -> KeyIdentity:
        """The one identity that this verifier accepts."""
        return _identity(self._key)

    def verify(self, bundle: Bundle, /, *, at: datetime) -> KeyIdentity:
        """
        Return the key's identity if it signed the bundle's payload.

        A bare key has no validity period, so *at* decides nothing.

        Raises:
            SignatureRejectedError: Made by another method or key, or does not hold.
        """
        del at
        if not isinstance(bundle.material, KeyMaterial):
            raise SignatureRejectedError(
                "the signature was made by another method",
                code=Code.SIGNATURE_METHOD,
                where=bundle.where,
                expected=str(self.method),
                found=str(bundle.method),
                hint=f"Verify it with the method '{bundle.method}'",
            )
        self._check_material(bundle.material, where=bundle.where)
        # Releases before 1.0 used SHA-256 whatever the curve; their successors read the
        # encoding with the curve's hash.
        hashes = (SHA256(), curve_hash(self._key)) if self._allow_legacy else ()
        verify_payload(self._key, bundle, legacy_hashes=hashes)
        return self.identity

    def _check_material(self, material: KeyMaterial, *, where: str) -> None:
        """Refuse a signature that names another key than the given one."""
        stated = (material.hint, material.public_pem, material.details)
        wanted = (key_hint(self._key), _public_pem(self._key), _DETAILS[self._key.curve.name])
        for found, expected in zip(stated, wanted, strict=True):
            if found is None or found == expected:
                continue
            if self._allow_legacy and found == _LEGACY_DETAILS:
                continue
            raise SignatureRejectedError(
                f"the signature names another key than {self._where}",
                code=Code.KEY_MISMATCH,
                where=where,
                expected=f"a key with the hint {wanted[0]}",
                found=f"{found[:120]!r}",
                hint="Give the public key of whoever signed",
            )


def load_public_key(data: bytes, *, where: str) -> EllipticCurvePublicKey:
    """
    Return the public key that the PEM file *data* holds.

    Raises:
        KeyRejectedError: Not exactly one canonical public key on a supported curve.
    """
    block = _only_block(read_blocks(data, where=where), where=where)
    if block.label != _PUBLIC_LABEL:
        raise _wrong_label(block.label, wanted="a public key", where=where)
    try:
        key = load_der_public_key(block.der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _malformed("the public key cannot be decoded", where=where) from error
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise _unsupported(key, where=where)
    if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != block.der:
        raise _malformed("the public key is not in its canonical encoding", where=where)
    return key


def load_private_key(data: bytes, *, password: bytes | None, where: str) -> EllipticCurvePrivateKey:
    """
    Return the private key that the PEM file *data* holds.

    A block `EC PARAMETERS` before the key, as some tools write it, is allowed and not used.

    Raises:
        KeyRejectedError: Not exactly one private key on a supported curve; the password is
            wrong, missing, or given for a key that has none.
    """
    blocks = read_blocks(data, where=where)
    if len(blocks) > 1 and blocks[0].label == _PARAMETERS_LABEL:
        del blocks[0]
    block = _only_block(blocks, where=where)
    if block.label not in _PRIVATE_LABELS:
        raise _wrong_label(block.label, wanted="a private key", where=where)
    encrypted = block.label.startswith("ENCRYPTED") or b"ENCRYPTED" in block.text
    _check_password(password, encrypted=encrypted, where=where)
    try:
        key = load_pem_private_key(block.text, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if encrypted:
            raise KeyRejectedError(
                "the private key cannot be decrypted",
                code=Code.PASSWORD,
                where=where,
                hint="The password is wrong, or the file was changed",
            ) from error
        raise _malformed("the private key cannot be decoded", where=where) from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name not in CURVES:
        raise _unsupported(key, where=where)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if point[1:] in block.der and point not in block.der:
        # The hybrid form (X9.62 4.3.6) says the same in other bytes.
        raise _malformed("the private key is not in its canonical encoding", where=where)
    return key


def key_hint(key: EllipticCurvePublicKey, /) -> str:
    """Return the hint of a key signature: hex SHA-256 of the PEM text, final newline included."""
    return hashlib.sha256(_public_pem(key)).hexdigest()


def _public_pem(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _identity(key: EllipticCurvePublicKey) -> KeyIdentity:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return KeyIdentity(fingerprint=hashlib.sha256(der).hexdigest(), curve=key.curve.name)


def _only_block(blocks: list[PemBlock], *, where: str) -> PemBlock:
    if len(blocks) != 1:
        raise KeyRejectedError(
            "the file holds more than one PEM block",
            where=where,
            expected="one key",
            found=", ".join(block.label for block in blocks[:4]),
        )
    return blocks[0]


def _check_password(password: bytes | None, *, encrypted: bool, where: str) -> None:
    if encrypted and not password:
        raise KeyRejectedError(
            "the private key is encrypted",
            code=Code.PASSWORD,
            where=where,
            expected="a password",
            found="none",
        )
    if not encrypted and password is not None:
        raise KeyRejectedError(
            "a password was given for a private key that is not encrypted",
            code=Code.PASSWORD,
            where=where,
            hint="Leave the password out, or give the encrypted key file",
        )


def _wrong_label(label: str, *, wanted: str, where: str) -> KeyRejectedError:
    if label in _PRIVATE_LABELS:
        hint = "This is the private half: keep it secret, and give the public key's file"
    elif label == "CERTIFICATE":
        hint = "For signatures with a certificate, use the method 'certificate'"
    elif label == _PUBLIC_LABEL:
        hint = "Signing needs the private half"
    else:
        hint = None
    return KeyRejectedError(
        "the file holds something else", where=where, expected=wanted, found=label, hint=hint
    )


def _malformed(message: str, *, where: str) -> KeyRejectedError:
    return KeyRejectedError(
        message, where=where, hint="The file was changed or damaged: fetch the key again"
    )


def _unsupported(key: object, *, where: str) -> KeyRejectedError:
    curve = getattr(getattr(key, "curve", None), "name", None)
    return KeyRejectedError(
        "the key is of a kind that the signature format does not allow",
        code=Code.KEY_UNSUPPORTED,
        where=where,
        expected="an elliptic-curve key on " + ", ".join(CURVES),
        found=str(curve or type(key).__name__),
    )
