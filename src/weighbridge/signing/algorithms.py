"""
What each kind of key signs with, and the two functions that do it: over a DSSE encoding.

ECDSA on three curves is what the signature format has. Ed25519 (RFC 8032) and ML-DSA (FIPS 204,
pure, with an empty context) are beyond it: today's other clients of the format cannot read such
signatures, so they are made and accepted only where somebody says so.

The kind of the trusted key decides everything; nothing of a signature file selects an
algorithm, so that none can be taken for another.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
    MLDSA87PrivateKey,
    MLDSA87PublicKey,
)
from cryptography.hazmat.primitives.hashes import HashAlgorithm

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.values import frozen
from weighbridge.signing import dsse, ecdsa
from weighbridge.signing.bundle import Bundle

EdwardsOrLatticePublicKey: TypeAlias = (
    Ed25519PublicKey | MLDSA44PublicKey | MLDSA65PublicKey | MLDSA87PublicKey
)
PublicKey: TypeAlias = EllipticCurvePublicKey | EdwardsOrLatticePublicKey
PrivateKey: TypeAlias = (
    EllipticCurvePrivateKey
    | Ed25519PrivateKey
    | MLDSA44PrivateKey
    | MLDSA65PrivateKey
    | MLDSA87PrivateKey
)
AnySigningKey: TypeAlias = (
    ecdsa.SigningKey | Ed25519PrivateKey | MLDSA44PrivateKey | MLDSA65PrivateKey | MLDSA87PrivateKey
)
"""A private key, or a token's elliptic-curve key."""


@frozen
class KeyKind:
    """
    A kind of key.

    Attributes:
        name: Of the curve or the algorithm, as results show it.
        details: What Sigstore's `PublicKeyDetails` calls it.
        signature_bytes: How long each of its signatures is; None for ECDSA, whose DER varies.
        is_standard: Whether the signature format has it.
    """

    name: str
    details: str
    signature_bytes: int | None = None
    is_standard: bool = False


_CURVES: Final[Mapping[str, KeyKind]] = MappingProxyType(
    {
        name: KeyKind(name=name, details=details, is_standard=True)
        for name, details in (
            ("secp256r1", "PKIX_ECDSA_P256_SHA_256"),
            ("secp384r1", "PKIX_ECDSA_P384_SHA_384"),
            ("secp521r1", "PKIX_ECDSA_P521_SHA_512"),
        )
    }
)
_OTHERS: Final[tuple[tuple[type, type, KeyKind], ...]] = (
    (
        Ed25519PrivateKey,
        Ed25519PublicKey,
        KeyKind(name="ed25519", details="PKIX_ED25519", signature_bytes=64),
    ),
    (
        MLDSA44PrivateKey,
        MLDSA44PublicKey,
        KeyKind(name="ml-dsa-44", details="ML_DSA_44", signature_bytes=2420),
    ),
    (
        MLDSA65PrivateKey,
        MLDSA65PublicKey,
        KeyKind(name="ml-dsa-65", details="ML_DSA_65", signature_bytes=3309),
    ),
    (
        MLDSA87PrivateKey,
        MLDSA87PublicKey,
        KeyKind(name="ml-dsa-87", details="ML_DSA_87", signature_bytes=4627),
    ),
)
"""Lengths: RFC 8032, 5.1.6; FIPS 204, table 2."""

MISSING_ML_DSA: Final = (
    "ML-DSA needs cryptography 48 or later with OpenSSL 3.5 or later, which its wheels bring: "
    "pip install 'cryptography>=48'"
)
"""What to do where the installed library has no ML-DSA."""

NONSTANDARD: Final = tuple(kind.name for _, _, kind in _OTHERS)
"""Names of the kinds that the signature format does not have."""


def kind_of(key: object, /) -> KeyKind | None:
    """Return the kind of a public or private key; None where no signature is made with it."""
    if isinstance(key, EllipticCurvePrivateKey | EllipticCurvePublicKey):
        return _CURVES.get(key.curve.name)
    for private, public, kind in _OTHERS:
        if isinstance(key, private | public):
            return kind
    return None


def sign_payload(key: AnySigningKey, payload: bytes, /) -> bytes:
    """
    Return the signature over *payload*'s DSSE encoding.

    The signature is verified before it leaves: a private key whose two halves do not belong
    together, or a fault while signing (of a token, too), must not become a file.

    Raises:
        SignatureRejectedError: The fresh signature does not verify.
    """
    encoded = dsse.encode(payload)
    public = key.public_key()
    if isinstance(
        key, Ed25519PrivateKey | MLDSA44PrivateKey | MLDSA65PrivateKey | MLDSA87PrivateKey
    ):
        signature = key.sign(encoded)
    else:
        signature = ecdsa.sign(key, encoded)
    if not _holds(public, signature, encoded):
        raise SignatureRejectedError("the fresh signature does not verify with its own key")
    return signature


def verify_payload(
    key: PublicKey, bundle: Bundle, /, *, legacy_hashes: Sequence[HashAlgorithm] = ()
) -> None:
    """
    Verify the bundle's signature over its payload bytes as they were received.

    Args:
        key: Of a kind that `kind_of` knows; trusted by the caller.
        bundle: Whose `payload` and `signature` are taken.
        legacy_hashes: The hashes with which the encoding of releases before 1.0 is tried too;
            none where the caller did not ask for it. They had elliptic-curve keys only.

    Raises:
        SignatureRejectedError: The signature does not hold, or is none of the key's kind.
    """
    kind = kind_of(key)
    if kind is None or not _is_formed(kind, bundle.signature):
        name = kind.name if kind is not None else "supported"
        ecdsa_only = kind is not None and kind.signature_bytes is None
        raise SignatureRejectedError(
            "the signature's bytes are malformed",
            where=bundle.where,
            expected="a DER encoded ECDSA signature" if ecdsa_only else f"a {name} signature",
            found=f"{bundle.signature[:16].hex()}, {len(bundle.signature)} bytes",
        )
    if _holds(key, bundle.signature, dsse.encode(bundle.payload)):
        return
    if isinstance(key, EllipticCurvePublicKey):
        legacy = dsse.encode_legacy(bundle.payload) if legacy_hashes else b""
        for algorithm in legacy_hashes:
            if ecdsa.holds(key, bundle.signature, legacy, algorithm):
                return
    raise SignatureRejectedError(
        "the signature does not hold: the file was changed, or another key made it",
        code=Code.SIGNATURE_INVALID,
        where=bundle.where,
    )


def _is_formed(kind: KeyKind, signature: bytes) -> bool:
    if kind.signature_bytes is None:
        return ecdsa.is_der(signature)
    return len(signature) == kind.signature_bytes


def _holds(key: PublicKey, signature: bytes, encoded: bytes) -> bool:
    if isinstance(key, EllipticCurvePublicKey):
        return ecdsa.holds(key, signature, encoded, ecdsa.curve_hash(key))
    try:
        key.verify(signature, encoded)
    except InvalidSignature:
        return False
    return True
