"""
The key method: a key that the verifier was given beforehand.

The signature format has elliptic-curve keys. Others are used only with `allow_nonstandard`; see
`algorithms`.

Source: OMS specification 1.0, section 5.

Nothing of X.509 is imported here: a key signature needs none of it, and it costs start-up.
"""

import dataclasses
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.identity import KeyIdentity, SigningMethod
from weighbridge.signing.algorithms import (
    AnySigningKey,
    KeyKind,
    PublicKey,
    kind_of,
    sign_payload,
    verify_payload,
)
from weighbridge.signing.bundle import Bundle, KeyMaterial, render_bundle
from weighbridge.signing.ecdsa import curve_hash
from weighbridge.signing.key_file import load_private_key, load_public_key
from weighbridge.signing.timestamps.reading import TimestampReading, read_timestamps

if TYPE_CHECKING:
    from weighbridge.signing.timestamps.trust import TimestampTrust

_LEGACY_DETAILS: Final = "PKIX_ECDSA_P256_SHA_256"
"""What releases before 1.0 wrote whatever the curve."""


class KeySigner:
    """Signs with a private key."""

    def __init__(self, key: AnySigningKey, *, method: SigningMethod = SigningMethod.KEY) -> None:
        """
        Hold *key*.

        Args:
            key: Of a kind in `algorithms`; a token's key is one as well.
            method: What a result says of how it was signed; the signature is the same.
        """
        self._key = key
        self._method = method

    @classmethod
    def from_pem(
        cls,
        data: bytes,
        *,
        password: bytes | None = None,
        where: str = "the private key",
        allow_nonstandard: bool = False,
    ) -> "KeySigner":
        """
        Read a private key from a PEM file (PKCS #8 or SEC 1, encrypted or not).

        Args:
            data: The file.
            password: Of the private key.
            where: The file's name, for messages.
            allow_nonstandard: Whether to take keys whose signatures only this tool verifies.

        Raises:
            KeyRejectedError: As `load_private_key`.
        """
        return cls(
            load_private_key(
                data, password=password, where=where, allow_nonstandard=allow_nonstandard
            )
        )

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
        self,
        key: PublicKey,
        *,
        where: str,
        allow_legacy: bool = False,
        timestamps: "TimestampTrust | None" = None,
        valid_until: datetime | None = None,
    ) -> None:
        """
        Hold *key*.

        Args:
            key: Of a kind in `algorithms`.
            where: The file, for messages.
            allow_legacy: Whether to accept the signature encoding of releases before 1.0.
            timestamps: Authorities whose clocks are believed; None for the caller's alone.
            valid_until: When the key was taken out of use, with a time zone. Later signatures
                are refused: by a trusted timestamp, and without one by the caller's clock.
        """
        self._key = key
        self._where = where
        self._allow_legacy = allow_legacy
        self._timestamps = timestamps
        self._valid_until = valid_until

    @classmethod
    def from_pem(
        cls,
        data: bytes,
        *,
        where: str = "the public key",
        allow_legacy: bool = False,
        allow_nonstandard: bool = False,
        timestamps: "TimestampTrust | None" = None,
        valid_until: datetime | None = None,
    ) -> "KeyVerifier":
        """
        Read the public key from a PEM file.

        Args:
            data: Exactly what a PEM writer produces for the key; see `pem`.
            where: The file, for messages.
            allow_legacy: Whether to accept the signature encoding of releases before 1.0.
            allow_nonstandard: Whether to take keys whose signatures only this tool verifies.
            timestamps: See the constructor.
            valid_until: See the constructor.

        Raises:
            KeyRejectedError: Not a public key, not canonical, or of an unsupported kind.
        """
        return cls(
            load_public_key(data, where=where, allow_nonstandard=allow_nonstandard),
            where=where,
            allow_legacy=allow_legacy,
            timestamps=timestamps,
            valid_until=valid_until,
        )

    @property
    def identity(self) -> KeyIdentity:
        """The one identity that this verifier accepts."""
        return _identity(self._key)

    def verify(self, bundle: Bundle, /, *, at: datetime) -> KeyIdentity:
        """
        Return the key's identity if it signed the bundle's payload.

        Args:
            bundle: As parsed from the signature file.
            at: The caller's clock, with a time zone. It decides only where the key was taken out
                of use and no trusted timestamp says when the signature was made.

        Raises:
            SignatureRejectedError: Made by another method or key, or too late; does not hold; or
                a required timestamp is missing.
        """
        if not isinstance(bundle.material, KeyMaterial):
            raise bundle.other_method(self.method)
        self._check_material(bundle.material, where=bundle.where)
        verify_payload(self._key, bundle, legacy_hashes=self._legacy_hashes())
        reading = read_timestamps(bundle, self._timestamps, at=at)
        self._check_time(reading, at=at, where=bundle.where)
        return dataclasses.replace(
            self.identity, times=reading.times, unused_timestamps=reading.unused
        )

    def _legacy_hashes(self) -> tuple[HashAlgorithm, ...]:
        """Return the hashes of the encoding before 1.0, where it is allowed."""
        if not self._allow_legacy or not isinstance(self._key, EllipticCurvePublicKey):
            return ()
        # Releases before 1.0 used SHA-256 whatever the curve; their successors read the
        # encoding with the curve's hash.
        return (SHA256(), curve_hash(self._key))

    def _check_time(self, reading: TimestampReading, *, at: datetime, where: str) -> None:
        """Refuse a signature that no clock places before the key was taken out of use."""
        end = self._valid_until
        if end is None or any(moment <= end for moment in reading.moments(at)):
            return
        moment = reading.moments(at)[0]
        raise SignatureRejectedError(
            "the key was taken out of use before",
            code=Code.KEY_EXPIRED,
            where=where,
            expected=f"a time up to {end.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
            found="; ".join((f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", *reading.unused))[
                :400
            ],
            hint="Only a trusted timestamp shows that a signature is older; else have the model "
            "signed again with the new key",
        )

    def _check_material(self, material: KeyMaterial, *, where: str) -> None:
        """Refuse a signature that names another key than the given one."""
        stated = (material.hint, material.public_pem, material.details)
        wanted = (key_hint(self._key), _public_pem(self._key), _kind(self._key).details)
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


def key_hint(key: PublicKey, /) -> str:
    """Return the hint of a key signature: hex SHA-256 of the PEM text, final newline included."""
    return hashlib.sha256(_public_pem(key)).hexdigest()


def _public_pem(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _identity(key: PublicKey) -> KeyIdentity:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return KeyIdentity(fingerprint=hashlib.sha256(der).hexdigest(), curve=_kind(key).name)


def _kind(key: PublicKey) -> KeyKind:
    kind = kind_of(key)
    assert kind is not None  # that is what a PublicKey is
    return kind
