"""Make a key pair and write it to two files, or to none."""

from pathlib import Path

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.identity import KeyIdentity
from weighbridge.core.values import frozen
from weighbridge.pipeline.output import write_whole
from weighbridge.signing.generation import CURVES, generate_key

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


def make_key(
    private: str | Path, *, curve: str = "P-256", password: bytes | None = None
) -> KeyFiles:
    """
    Make a key pair; write the private key to *private*, the public one beside it as `.pub`.

    Neither file replaces another one: what a lost key has signed cannot be signed again.

    Args:
        private: Where to; not a name that ends in `.pub`.
        curve: `P-256`, `P-384` or `P-521`.
        password: Encrypts the private key; None for no encryption.

    Raises:
        UsageError: The curve is not one of those, the password is empty, or the name is the
            public key's.
        OperationError: A file exists, or cannot be written; then neither is there.
    """
    place = Path(private)
    if curve not in CURVES:
        raise UsageError("the curve is not one of the format", expected=", ".join(CURVES))
    if password is not None and not password:
        raise UsageError("an empty password protects nothing", code=Code.PASSWORD)
    public = place.with_suffix(".pub")
    if public == place:
        raise UsageError(
            "this is the name of the public key", where=str(place), expected="such as release.key"
        )
    if public.exists():
        raise OperationError("the file exists already", code=Code.OUTPUT_EXISTS, where=str(public))
    key = generate_key(curve, password=password)
    write_whole(place, key.private_pem, replace=False, mode=_OWNER_ONLY)
    try:
        write_whole(public, key.public_pem, replace=False)
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    return KeyFiles(
        private=place, public=public, identity=key.identity, encrypted=password is not None
    )
