"""
ECDSA as OMS uses it: three curves, each with its hash, over a DSSE encoding.

Source: OMS specification 1.0, section 5; FIPS 186-5.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.signing import dsse
from weighbridge.signing.bundle import Bundle

_HASHES: Final[Mapping[str, HashAlgorithm]] = MappingProxyType(
    {"secp256r1": SHA256(), "secp384r1": SHA384(), "secp521r1": SHA512()}
)

CURVES: Final = tuple(_HASHES)
"""Names of the curves that the format allows."""


class SigningKey(Protocol):
    """A private key, or something that signs as one does."""

    def public_key(self) -> EllipticCurvePublicKey:
        """Return the public half, on one of `CURVES`."""
        ...

    def sign(self, data: bytes, signature_algorithm: ECDSA) -> bytes:
        """Return the DER signature over *data*, hashed as the algorithm says."""
        ...


def curve_hash(key: EllipticCurvePublicKey) -> HashAlgorithm:
    """Return the hash that belongs to the key's curve, one of `CURVES`."""
    return _HASHES[key.curve.name]


def sign_payload(key: SigningKey, payload: bytes, /) -> bytes:
    """
    Return the DER signature over *payload*'s DSSE encoding.

    The signature is verified before it leaves: a private key whose two halves do not belong
    together, or a fault while signing (of a token, too), must not become a file.

    Raises:
        SignatureRejectedError: The fresh signature does not verify.
    """
    public = key.public_key()
    encoded = dsse.encode(payload)
    signature = key.sign(encoded, ECDSA(curve_hash(public)))
    if not _holds(public, signature, encoded, curve_hash(public)):
        raise SignatureRejectedError("the fresh signature does not verify with its own key")
    return signature


def verify_payload(
    key: EllipticCurvePublicKey,
    bundle: Bundle,
    /,
    *,
    legacy_hashes: Sequence[HashAlgorithm],
) -> None:
    """
    Verify the bundle's signature over its payload bytes as they were received.

    Args:
        key: On one of `CURVES`; trusted by the caller.
        bundle: Whose `payload` and `signature` are taken.
        legacy_hashes: The hashes with which the encoding of releases before 1.0 is tried too;
            none where the caller did not ask for it.

    Raises:
        SignatureRejectedError: The signature does not hold, or is not DER.
    """
    if not _is_der(bundle.signature):
        raise SignatureRejectedError(
            "the signature's bytes are malformed",
            where=bundle.where,
            expected="a DER encoded ECDSA signature",
            found=bundle.signature[:16].hex(),
        )
    if _holds(key, bundle.signature, dsse.encode(bundle.payload), curve_hash(key)):
        return
    for algorithm in legacy_hashes:
        if _holds(key, bundle.signature, dsse.encode_legacy(bundle.payload), algorithm):
            return
    raise SignatureRejectedError(
        "the signature does not hold: the file was changed, or another key made it",
        code=Code.SIGNATURE_INVALID,
        where=bundle.where,
    )


def _is_der(signature: bytes) -> bool:
    """Tell whether *signature* is the one DER encoding of two integers."""
    try:
        return encode_dss_signature(*decode_dss_signature(signature)) == signature
    except ValueError:
        return False


def _holds(
    key: EllipticCurvePublicKey, signature: bytes, encoded: bytes, algorithm: HashAlgorithm
) -> bool:
    try:
        key.verify(signature, encoded, ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True
