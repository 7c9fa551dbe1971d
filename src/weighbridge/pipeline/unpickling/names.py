"""What the arrays of a value are called: the way to each of them."""

from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.isolated import MAX_UNPICKLE_DOCUMENT_VALUES
from weighbridge.formats.safetensors_layout import name_problem
from weighbridge.load.isolated.plain import Opaque, StoredArray, children
from weighbridge.pipeline.unpickling.texts import is_text

_ALONE: Final = "value"


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
    count = 0
    pending: list[tuple[str, object]] = [("", value)]
    while pending:
        name, each = pending.pop()
        count += 1
        if count > MAX_UNPICKLE_DOCUMENT_VALUES:
            raise too_many(count)
        if isinstance(each, StoredArray):
            if id(each) not in known and not is_text(each):
                known.add(id(each))
                found[_free(name or _ALONE, found)] = each
            continue
        below = [(_joined(name, part, each), held) for part, held in children(each)]
        pending += reversed(below)
    return found


def too_many(count: int, /) -> LimitExceededError:
    """Build the error for more values than a document has."""
    return LimitExceededError(
        "the pickle holds too many values to be written",
        expected=f"at most {MAX_UNPICKLE_DOCUMENT_VALUES}, where what is shared counts each time",
        found=f"{count} or more",
    )


def _joined(name: str, part: str, holder: object) -> str:
    # Attributes are called as in a program: nobody writes model.state.weight.
    if isinstance(holder, Opaque) and part == "state":
        return name
    return f"{name}.{part}" if name else part


def _free(name: str, taken: dict[str, StoredArray]) -> str:
    if name_problem(name) is None and name not in taken:
        return name
    name = name if name_problem(name) is None else _ALONE
    number = 2
    while f"{name}~{number}" in taken or name_problem(f"{name}~{number}") is not None:
        number += 1
    return f"{name}~{number}"
