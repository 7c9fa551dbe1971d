"""Names of models: whether what one model calls another means a reference."""

import re
from typing import Final

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_REVISION: Final = re.compile(r"@[^/]*$")


def is_called(reference: str, claim: str, /) -> bool:
    """
    Tell whether *claim*, what a model calls another one, means *reference*.

    It does if it is the reference, or the end of it by whole segments: `acme/bert` means
    `models/acme/bert`, and `bert` too, but not `models/bert`. Of a reference with a scheme the
    scheme and the revision are no part of the name: `acme/bert` means `hf://acme/bert@main`.
    """
    if not claim:
        return False
    if claim == reference:
        return True
    scheme = _SCHEME.match(reference)
    name = reference
    if scheme is not None:
        name = _REVISION.sub("", reference[scheme.end() :])
    mine = [part for part in name.replace("\\", "/").split("/") if part]
    parts = claim.split("/")
    return "" not in parts and mine[-len(parts) :] == parts
