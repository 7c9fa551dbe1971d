"""Which verified artifact an object was made of, for adapters that are put on it."""

import weakref
from typing import Final

from weighbridge.core.attestation import Binding
from weighbridge.core.references import is_called
from weighbridge.core.values import frozen


@frozen
class Origin:
    """
    Where an object comes from.

    Attributes:
        reference: What the program called the artifact.
        binding: The digests by which claims name it; None where they are not known.
    """

    reference: str
    binding: Binding | None = None

    def is_called(self, claim: str) -> bool:
        """
        Tell whether *claim*, what another model calls its base, means this reference.

        It does if it is the reference, or the end of it by whole segments: `acme/bert` means
        `models/acme/bert`, and `bert` too, but not `models/bert`.
        """
        return is_called(self.reference, claim)


_ORIGINS: Final[dict[int, tuple[weakref.ref[object], Origin]]] = {}


def remember(made: object, origin: Origin) -> None:
    """
    Note that *made* is of *origin*, as long as it lives, if it can be referred to weakly.

    Of a tuple, such as a model with what there is to say about its load, the parts are noted.
    """
    if isinstance(made, tuple):
        for part in made:
            remember(part, origin)
    number = id(made)
    try:
        reference = weakref.ref(made, lambda _: _ORIGINS.pop(number, None))
    except TypeError:
        return
    _ORIGINS[number] = (reference, origin)


def origin_of(made: object) -> Origin | None:
    """Return where *made* comes from, or None if no verified load made it."""
    reference, origin = _ORIGINS.get(id(made), (None, None))
    return origin if reference is not None and reference() is made else None
