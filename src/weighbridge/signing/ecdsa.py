"""
ECDSA as OMS uses it: three curves, each with its hash. What is signed is `algorithms`' concern.

Source: OMS specification 1.0, section 5; FIPS 186-5.
"""

from collections.abc import Mapping
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


def sign(key: SigningKey, encoded: bytes, /) -> bytes:
    """Return the DER signature over *encoded*, hashed as belongs to the key's curve."""
    return key.sign(encoded, ECDSA(curve_hash(key.public_key())))


def is_der(signature: bytes, /) -> bool:
    """Tell whether *signature* is the one DER encoding of two integers."""
    try:
        return encode_dss_signature(*decode_dss_signature(signature)) == signature
    except ValueError:
        return False


def holds(
    key: EllipticCurvePublicKey, signature: bytes, encoded: bytes, algorithm: HashAlgorithm, /
) -> bool:
    """Tell whether *key* signed *encoded*, hashed with *algorithm*."""
    try:
        key.verify(signature, encoded, ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True
