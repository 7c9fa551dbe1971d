"""Make a key pair and write it to two files, or to none."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.identity import KeyIdentity
from weighbridge.core.values import frozen
from weighbridge.pipeline.output import write_whole
from weighbridge.signing.generation import CURVES, OTHERS, generate_key

_OWNER_ONLY = 0o600


@frozen
class KeyFiles:
    """
    A new key pair on disk.

    Attributes:
        private: The private key; readable for its owner only.
        public: The public key.
        identity: What a verification with it reports.
        encrypted: Whether the private key has a password.
    """

    private: Path
    public: Path
    identity: KeyIdentity
    encrypted: bool


ELLIPTIC: Final = "ecdsa"
"""The algorithm of the signature format, whose keys are on a curve."""


def make_key(
    private: str | Path,
    *,
    algorithm: str = ELLIPTIC,
    curve: str | None = None,
    password: bytes | None = None,
) -> KeyFiles:
    """
    Make a key pair; write the private key to *private*, the public one beside it as `.pub`.

    Neither file replaces another one: what a lost key has signed cannot be signed again.

    Args:
        private: Where to; not a name that ends in `.pub`.
        algorithm: `ecdsa`; or `ed25519`, `ml-dsa-44`, `ml-dsa-65`, `ml-dsa-87`, whose signatures
            today's other clients of the format cannot read.
        curve: `P-256`, `P-384` or `P-521`, for `ecdsa` only; the default is the first.
        password: Encrypts the private key; None for no encryption.

    Raises:
        UsageError: Algorithm and curve are not among those, the password is empty, or the name
            is the public key's.
        KeyRejectedError: The installed library does not know the algorithm.
        OperationError: A file exists, or cannot be written; then neither is there.
    """
    place = Path(private)
    kind = _kind(algorithm, curve)
    if password is not None and not password:
        raise UsageError("an empty password protects nothing", code=Code.PASSWORD)
    if not place.name or place.suffix == ".pub":
        what = "the name of the public key" if place.name else "no name of a file"
        raise UsageError(f"this is {what}", where=str(place), expected="such as release.key")
    public = place.with_suffix(".pub")
    if public.exists():
        raise OperationError("the file exists already", code=Code.OUTPUT_EXISTS, where=str(public))
    key = generate_key(kind, password=password)
    write_whole(place, key.private_pem, replace=False, mode=_OWNER_ONLY)
    with ExitStack() as undo:
        undo.callback(place.unlink, missing_ok=True)
        write_whole(public, key.public_pem, replace=False)
        undo.pop_all()
    return KeyFiles(
        private=place, public=public, identity=key.identity, encrypted=password is not None
    )


def _kind(algorithm: str, curve: str | None) -> str:
    """Return the kind of key that algorithm and curve name."""
    if algorithm in OTHERS:
        if curve is not None:
            raise UsageError(
                "a key of this algorithm has no curve to choose", expected="none", found=curve
            )
        return algorithm
    if algorithm != ELLIPTIC:
        expected = ", ".join((ELLIPTIC, *OTHERS))
        raise UsageError("the algorithm is not known", expected=expected, found=algorithm)
    chosen = curve or next(iter(CURVES))
    if chosen not in CURVES:
        raise UsageError(
            "the curve is not one of the format", expected=", ".join(CURVES), found=chosen
        )
    return chosen
