"""The second half of signing: from an inventory to a signature file."""

from pathlib import Path

from weighbridge.core.artifact import Inventory
from weighbridge.core.digest import HashLayout
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
) -> Statement:
    """
    Sign what *inventory* says, write the signature to *place*, and return what was signed.

    Raises:
        ArtifactRefusedError: Something in it cannot be covered by a signature.
        OperationError: Writing failed; what was there before is still there.
    """
    statement = make_statement(inventory, layout, ignored=ignored, allow_symlinks=allow_symlinks)
    write_whole(place, signer.sign(render_statement(statement)))
    return statement


def is_signature(data: bytes, /) -> bool:
    """Tell whether *data* is a signature file, whoever made it."""
    try:
        parse_bundle(data, where="")
    except (SignatureRejectedError, LimitExceededError):
        return False
    return True
