"""
What an output takes over from its inputs: their claims, and their signatures as claims.

So the lineage travels with the model, and each line of it proves itself.
"""

import os
from collections.abc import Iterable, Iterator

from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ClaimError,
    LimitExceededError,
    OperationError,
    SignatureRejectedError,
)
from weighbridge.core.limits.claims import MAX_CLAIM_BYTES, MAX_CLAIMS, MAX_CLAIMS_BYTES
from weighbridge.pipeline.claims.reading import claims_place, one_line, parse_lines, too_many
from weighbridge.pipeline.selection import signature_places
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.reading import read_if_present


def carry(inputs: Iterable[LocalHandle], /) -> tuple[bytes, ...]:
    """
    Return the signatures and the claims of *inputs* as bundles, a line each, each once.

    Nothing is verified. What is no bundle is left out: in an output it would be a gap that says
    nothing. To be called before a step, so that it fails before the work is done.

    Raises:
        LimitExceededError: They are more, or larger, than one claims file may have.
        OperationError: A file cannot be read.
    """
    bundles: dict[bytes, None] = {}
    size = 0
    for handle in inputs:
        for line in _lines(handle):
            if line not in bundles:
                bundles[line] = None
                size += len(line) + 1
            if len(bundles) > MAX_CLAIMS:
                raise too_many("the inputs")
            if size > MAX_CLAIMS_BYTES:
                raise LimitExceededError(
                    "the claims of the inputs are too large",
                    expected=f"at most {MAX_CLAIMS_BYTES} bytes together",
                )
    return tuple(bundles)


def _lines(handle: LocalHandle) -> Iterator[bytes]:
    for place in signature_places(handle):
        try:
            data = read_if_present(place, limit=MAX_CLAIM_BYTES)
            if data is not None:
                yield one_line(data, where=place.name)
        except (SignatureRejectedError, ClaimError):
            continue  # called like a signature, and none
        except OperationError as error:
            if error.code is not Code.SPECIAL_FILE:
                raise
    place = claims_place(handle)
    data = read_if_present(place, limit=MAX_CLAIMS_BYTES)
    if data is not None:
        for claim in parse_lines(data, name=os.fspath(place)):
            if claim.bundle is not None:
                yield claim.data
