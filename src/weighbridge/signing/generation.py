"""New elliptic-curve keys, for publishers who have none yet."""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from weighbridge.core.identity import KeyIdentity
from weighbridge.core.values import frozen
from weighbridge.signing.key import KeySigner

CURVES: Final[Mapping[str, Callable[[], ec.EllipticCurve]]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
"""The curves of the format, under the names of FIPS 186-5."""


@frozen
class NewKey:
    """
    A key pair that nobody had before.

    Attributes:
        private_pem: PKCS #8, encrypted where there is a password; keep it to yourself.
        public_pem: For whoever verifies.
        identity: What a verification reports.
    """

    private_pem: bytes = field(repr=False)
    public_pem: bytes
    identity: KeyIdentity


def generate_key(curve: str = "P-256", *, password: bytes | None = None) -> NewKey:
    """
    Make a key pair on *curve*, one of `CURVES`.

    Raises:
        ValueError: The password is empty.
    """
    key = ec.generate_private_key(CURVES[curve]())
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    return NewKey(
        private_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption),
        public_pem=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        identity=KeySigner(key).identity,
    )
