"""New keys, for publishers who have none yet."""

from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA65PrivateKey,
    MLDSA87PrivateKey,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError
from weighbridge.core.identity import KeyIdentity
from weighbridge.core.values import frozen
from weighbridge.signing.algorithms import MISSING_ML_DSA, PrivateKey
from weighbridge.signing.key import KeySigner

CURVES: Final[Mapping[str, Callable[[], PrivateKey]]] = MappingProxyType(
    {
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    }
)
"""The curves of the format, under the names of FIPS 186-5."""

OTHERS: Final[Mapping[str, Callable[[], PrivateKey]]] = MappingProxyType(
    {
        "ed25519": Ed25519PrivateKey.generate,
        "ml-dsa-44": MLDSA44PrivateKey.generate,
        "ml-dsa-65": MLDSA65PrivateKey.generate,
        "ml-dsa-87": MLDSA87PrivateKey.generate,
    }
)
"""Kinds that the format does not have; see `algorithms`."""


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


def can_generate(kind: str, /) -> bool:
    """Tell whether the installed library makes keys of *kind*, one of `CURVES` or `OTHERS`."""
    try:
        {**CURVES, **OTHERS}[kind]()
    except UnsupportedAlgorithm:
        return False
    return True


def generate_key(kind: str = "P-256", *, password: bytes | None = None) -> NewKey:
    """
    Make a key pair of *kind*, one of `CURVES` or `OTHERS`.

    Raises:
        ValueError: The password is empty.
        KeyRejectedError: The installed library has no keys of this kind.
    """
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    try:
        key = {**CURVES, **OTHERS}[kind]()
    except UnsupportedAlgorithm as error:
        raise KeyRejectedError(
            "the installed 'cryptography' cannot make keys of this kind",
            code=Code.KEY_UNSUPPORTED,
            expected=", ".join(CURVES),
            found=kind,
            hint=MISSING_ML_DSA,
        ) from error
    return NewKey(
        private_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption),
        public_pem=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        identity=KeySigner(key).identity,
    )
