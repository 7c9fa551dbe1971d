"""
Errors that a confined process reports instead of a result.

Whoever reports may lie: what is read here is an error in any case, of a class and with a code that
there are, and with texts of bounded length.
"""

from collections.abc import Collection, Mapping, Sequence

from weighbridge.core.codes import Code
from weighbridge.core.errors import WeighbridgeError

Kinds = Mapping[str, type[WeighbridgeError]]
"""Classes that may be reported, by the words for them."""

_TEXTS = 5


def report_of(error: WeighbridgeError, kinds: Kinds, /, *, other: str, most: int) -> list[object]:
    """
    Return *error* as values of JSON.

    Args:
        error: What went wrong.
        kinds: What can be reported.
        other: The word for an error of any other class.
        most: Characters of each text; the rest is cut off.
    """
    kind = next((word for word, each in kinds.items() if isinstance(error, each)), other)
    texts = (error.message, error.where, error.expected, error.found, error.hint)
    return [kind, str(error.code), *(None if text is None else text[:most] for text in texts)]


def reported(
    said: Sequence[object], kinds: Kinds, /, *, codes: Collection[str], most: int
) -> WeighbridgeError:
    """
    Return the error that *said* reports.

    Args:
        said: What `report_of` returns, or anything else.
        kinds: What can be reported.
        codes: Why.
        most: Characters of each text.

    Raises:
        ValueError: It reports none.
    """
    match said:
        case [str(kind), str(code), *texts] if kind in kinds and code in codes:
            if len(texts) != _TEXTS or any(not _is_text(text, most) for text in texts):
                raise ValueError("a report with other texts")
            message, where, expected, found, hint = map(_text, texts)
            return kinds[kind](
                message or "the confined process gives no reason",
                code=Code(code),
                where=where,
                expected=expected,
                found=found,
                hint=hint,
            )
        case _:
            raise ValueError("an error that there is not")


def _is_text(value: object, most: int) -> bool:
    return value is None or (type(value) is str and len(value) <= most)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
