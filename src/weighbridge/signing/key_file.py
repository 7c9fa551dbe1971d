"""
Reading key files: PEM, one key each, of a kind that signs models.

The signature format has elliptic-curve keys. Others are read only with `allow_nonstandard`; see
`algorithms`.

Source: RFC 5208, RFC 5915, RFC 7468, RFC 8410, RFC 9881.
"""

from typing import Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError
from weighbridge.signing.algorithms import MISSING_ML_DSA, PrivateKey, PublicKey, kind_of
from weighbridge.signing.ecdsa import CURVES
from weighbridge.signing.pem import PemBlock, read_blocks

_PRIVATE_LABELS: Final = ("PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
_PUBLIC_LABEL: Final = "PUBLIC KEY"
_PARAMETERS_LABEL: Final = "EC PARAMETERS"


def load_public_key(data: bytes, *, where: str, allow_nonstandard: bool = False) -> PublicKey:
    """
    Return the public key that the PEM file *data* holds.

    Raises:
        KeyRejectedError: Not exactly one canonical public key of an allowed kind.
    """
    block = _only_block(read_blocks(data, where=where), where=where)
    if block.label != _PUBLIC_LABEL:
        raise _wrong_label(block.label, wanted="a public key", where=where)
    try:
        key = load_der_public_key(block.der)
    except UnsupportedAlgorithm as error:
        raise _unknown(error, where=where) from error
    except ValueError as error:
        raise _malformed("the public key cannot be decoded", where=where) from error
    _check_kind(key, where=where, allow_nonstandard=allow_nonstandard)
    if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != block.der:
        raise _malformed("the public key is not in its canonical encoding", where=where)
    return cast("PublicKey", key)  # `_check_kind`


def load_private_key(
    data: bytes, *, password: bytes | None, where: str, allow_nonstandard: bool = False
) -> PrivateKey:
    """
    Return the private key that the PEM file *data* holds.

    A block `EC PARAMETERS` before the key, as some tools write it, is allowed and not used.

    Raises:
        KeyRejectedError: Not exactly one private key of an allowed kind; the password is
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
    except UnsupportedAlgorithm as error:
        raise _unknown(error, where=where) from error
    except (ValueError, TypeError) as error:
        if encrypted:
            raise KeyRejectedError(
                "the private key cannot be decrypted",
                code=Code.PASSWORD,
                where=where,
                hint="The password is wrong, or the file was changed",
            ) from error
        raise _malformed("the private key cannot be decoded", where=where) from error
    _check_kind(key, where=where, allow_nonstandard=allow_nonstandard)
    if isinstance(key, EllipticCurvePrivateKey):
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        if point[1:] in block.der and point not in block.der:
            # The hybrid form (X9.62 4.3.6) says the same in other bytes.
            raise _malformed("the private key is not in its canonical encoding", where=where)
    return cast("PrivateKey", key)  # `_check_kind`


def _check_kind(key: object, *, where: str, allow_nonstandard: bool) -> None:
    """Refuse keys of other kinds, and those that the format lacks unless they are allowed."""
    kind = kind_of(key)
    if kind is None:
        raise _unsupported(key, where=where)
    if not (kind.is_standard or allow_nonstandard):
        raise KeyRejectedError(
            "the signature format has no keys of this kind: other clients cannot read such "
            "signatures",
            code=Code.KEY_UNSUPPORTED,
            where=where,
            expected="an elliptic-curve key on " + ", ".join(CURVES),
            found=kind.name,
            hint="Where every verifier is this tool, say --allow-nonstandard-keys, or "
            "nonstandard-keys = true in a policy",
        )


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


def _unknown(error: UnsupportedAlgorithm, *, where: str) -> KeyRejectedError:
    return KeyRejectedError(
        "the installed 'cryptography' does not know keys of this kind",
        code=Code.KEY_UNSUPPORTED,
        where=where,
        expected="an elliptic-curve key on " + ", ".join(CURVES),
        found=(str(error).splitlines() or ["an unknown algorithm"])[0][:200],
        hint=MISSING_ML_DSA,
    )
