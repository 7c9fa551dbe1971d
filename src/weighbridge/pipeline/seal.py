"""The second half of signing: from an inventory to a signature file."""

import hashlib
from pathlib import Path

from weighbridge.core.artifact import Inventory
from weighbridge.core.digest import Digest, HashAlgorithm, HashLayout
from weighbridge.core.errors import LimitExceededError, SignatureRejectedError
from weighbridge.pipeline.output import write_whole
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.interface import Signer
from weighbridge.signing.manifest import make_statement
from weighbridge.signing.statement import Statement, render_statement


def seal(
    inventory: Inventory,
    layout: HashLayout,
    *,
    signer: Signer,
    ignored: frozenset[str],
    allow_symlinks: bool,
    place: Path,
) -> tuple[Statement, Digest]:
    """
    Sign what *inventory* says, write the signature to *place*, and return what was signed.

    With it comes the digest of the signature file, of the bytes that were written.

    Raises:
        ArtifactRefusedError: Something in it cannot be covered by a signature.
        OperationError: Writing failed; what was there before is still there.
    """
    statement = make_statement(inventory, layout, ignored=ignored, allow_symlinks=allow_symlinks)
    data = signer.sign(render_statement(statement))
    write_whole(place, data)
    return statement, Digest(HashAlgorithm.SHA256, hashlib.sha256(data).digest())


def is_signature(data: bytes, /) -> bool:
    """Tell whether *data* is a signature file, whoever made it."""
    try:
        parse_bundle(data, where="")
    except (SignatureRejectedError, LimitExceededError):
        return False
    return True
