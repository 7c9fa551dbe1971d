"""Listed names that make far more of a few plain values than these are: what they may get."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.limits.pickles import MAX_LOGGER_CHARS, MAX_PICKLE_RANGE
from weighbridge.formats.pickle.values import CallNode, Value
from weighbridge.scan.pickle_plain import Refusal, has_keywords

_RATIO: Final = re.compile(r"-?[0-9]{1,4096}(?:/[0-9]{1,4096})?", re.ASCII)


def refuse_size(call: CallNode, args: tuple[Value, ...]) -> Refusal:
    """Say why *call* would make too much of *args*, which are plain."""
    check = _CHECKS.get(call.target or "")
    if check is None:
        return None
    return "it takes no keywords here" if has_keywords(call) else check(args)


def _ratio(args: tuple[Value, ...]) -> Refusal:
    """Admit two integers, or them as text: an exponent would be multiplied out."""
    written = len(args) == 1 and isinstance(args[0], str) and _RATIO.fullmatch(args[0]) is not None
    if written or all(isinstance(item, int) for item in args):
        return None
    return "it takes two integers"


def _logger(args: tuple[Value, ...]) -> Refusal:
    """Admit a short name: for each dot in it, all that stands in front is kept."""
    short = all(isinstance(item, str) and len(item) <= MAX_LOGGER_CHARS for item in args)
    return None if short else f"it takes a name of at most {MAX_LOGGER_CHARS} characters"


def _span(args: tuple[Value, ...]) -> Refusal:
    """Admit a range that may be written out."""
    numbers = [int(item) for item in args if isinstance(item, int)]
    if len(numbers) != len(args) or not 0 < len(numbers) < 4 or 0 in numbers[2:]:  # noqa: PLR2004  start, stop, step
        return "it takes up to three integers"
    start, stop = (0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    length = (stop - start) // (numbers[2] if numbers[2:] else 1)
    return None if length <= MAX_PICKLE_RANGE else f"it has more than {MAX_PICKLE_RANGE} values"


_CHECKS: Final[Mapping[str, Callable[[tuple[Value, ...]], Refusal]]] = MappingProxyType(
    {"builtins.range": _span, "fractions.Fraction": _ratio, "logging.getLogger": _logger}
)
