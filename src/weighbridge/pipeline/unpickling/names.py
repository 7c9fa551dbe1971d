"""What the arrays of a value are called: the way to each of them."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.isolated import MAX_UNPICKLE_DOCUMENT_VALUES
from weighbridge.core.limits.weights import MAX_TENSOR_NAME_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.safetensors_layout import name_problem
from weighbridge.load.isolated.plain import Opaque, StoredArray, children
from weighbridge.pipeline.unpickling.texts import is_text

_ALONE: Final = "value"


@frozen(kw_only=False)
class _Place:
    """
    Where a value is; names are put together only where an array is.

    Attributes:
        parent: Where what holds it is; None for the whole value.
        part: What it is called there; None where nobody says so.
    """

    parent: "_Place | None"
    part: str | None


def name_arrays(value: object, /) -> dict[str, StoredArray]:
    """
    Return every array in *value* by a name of its own, in order; one in several places has one.

    Arrays of texts are left out: they are written among the plain values.

    Keys, indexes and attributes on the way to an array are joined by dots. Where that is no name
    that a tensor can have, or another's, it is followed by a number.

    Raises:
        LimitExceededError: There are too many values.
    """
    found: dict[str, StoredArray] = {}
    known: set[int] = set()
    numbers: Counter[str] = Counter()
    count = 1
    pending: list[tuple[_Place | None, object]] = [(None, value)]
    while pending:
        place, each = pending.pop()
        if isinstance(each, StoredArray):
            if id(each) not in known and not is_text(each):
                known.add(id(each))
                found[_free(_name(place), found, numbers)] = each
            continue
        below: list[tuple[_Place | None, object]] = []
        for part, held in children(each):
            count += 1
            if count > MAX_UNPICKLE_DOCUMENT_VALUES:
                raise too_many(count)
            # Attributes are called as in a program: nobody writes model.state.weight.
            silent = isinstance(each, Opaque) and part == "state"
            below.append((_Place(place, None if silent else part), held))
        pending += reversed(below)
    return found


def too_many(count: int, /) -> LimitExceededError:
    """Build the error for more values than a document has."""
    return LimitExceededError(
        "the pickle holds too many values to be written",
        expected=f"at most {MAX_UNPICKLE_DOCUMENT_VALUES}, where what is shared counts each time",
        found=f"{count} or more",
    )


def _name(place: _Place | None) -> str | None:
    """Return the parts on the way to *place* joined by dots; None where that is no name."""
    parts: list[str] = []
    while place is not None:
        if place.part is not None:
            parts.append(place.part)
        place = place.parent
    while parts and not parts[-1]:
        parts.pop()
    # Joining first would let two hundred levels of long keys take memory.
    if sum(map(len, parts)) + len(parts) > MAX_TENSOR_NAME_BYTES + 1:
        return None
    name = ".".join(reversed(parts)) or _ALONE
    return name if name_problem(name) is None else None


def _free(name: str | None, taken: Mapping[str, object], numbers: Counter[str]) -> str:
    """Return *name*, or one with a number that is not *taken*; *numbers* has the last of each."""
    if name is not None and name not in taken:
        return name
    base = name or _ALONE
    while True:
        numbers[base] += 1
        numbered = f"{base}~{numbers[base] + 1}"
        if name_problem(numbered) is not None:
            base = _ALONE
        elif numbered not in taken:
            return numbered
