"""
Where a long JSON container can be cut, found without a loop over its bytes.

A guess only: whoever cuts has each part decoded as a container of its own. That succeeds only
if the cut is between two members, so that a wrong guess is an error and never another reading.
"""

import re
from enum import StrEnum
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.json.document import reduce_brackets

_BRACKET: Final = re.compile(rb"[\[\]{}]")
_OPENING: Final = b"[{"
_RUNS_OF_A_MEMBER: Final = 5
"""A key and a string, and what is before, between and behind them."""


class CutKind(StrEnum):
    """What is at a cut."""

    CLOSE = "close"
    """The bracket that ends the container."""

    COMMA = "comma"
    """A comma between two members of the container, the last one that there is."""

    OPEN = "open"
    """The bracket that begins the value of the first member, which does not end here."""

    NONE = "none"
    """Nothing: the first member is a value longer than what there is to see."""

    BROKEN = "broken"
    """Nothing, and more strings than a key and a value: no reader takes it."""


@frozen(kw_only=False)
class Cut:
    """What is where; *at* is an offset into the bytes that were looked at."""

    kind: CutKind
    at: int = 0


def find_cut(data: bytes, *, what: str) -> Cut:
    """
    Return where the container can be cut of which *data* is a run, from a member's start on.

    Raises:
        LimitExceededError: What is seen is nested deeper than `MAX_JSON_DEPTH` by itself.
    """
    if b"\\" in data:
        # Of the same length, so that offsets stay what they are.
        data = data.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    runs = data.split(b'"')
    unmatched = reduce_brackets(b"".join(runs[::2]), what=what)
    if b"]" in unmatched:
        return Cut(CutKind.CLOSE, _first_unmatched_close(runs))
    comma = _last_comma(runs, length=len(data), opened=len(unmatched))
    if comma is not None:
        return Cut(CutKind.COMMA, comma)
    opening = _first_opening(runs)
    if opening is not None:
        return Cut(CutKind.OPEN, opening)
    return Cut(CutKind.NONE if len(runs) <= _RUNS_OF_A_MEMBER else CutKind.BROKEN)


def _first_unmatched_close(runs: list[bytes]) -> int:
    """Return the offset of the first bracket that closes what does not open in *runs*."""
    depth = start = 0
    for number, run in enumerate(runs):
        if not number % 2:
            for match in _BRACKET.finditer(run):
                depth += 1 if match[0] in _OPENING else -1
                if depth < 0:
                    return start + match.start()
        start += len(run) + 1
    raise AssertionError("the caller has seen that one closes")


def _last_comma(runs: list[bytes], *, length: int, opened: int) -> int | None:
    """
    Return the offset of the last comma that is in no bracket.

    Going backwards, the commas count in front of the outermost of the *opened* brackets, those
    that nothing closes here.
    """
    depth = opened
    end = length
    for number in range(len(runs) - 1, -1, -1):
        run = runs[number]
        start = end - len(run)
        if not number % 2:
            right = len(run)
            for match in reversed(list(_BRACKET.finditer(run))):
                at = run.rfind(b",", match.end(), right) if depth == 0 else -1
                if at >= 0:
                    return start + at
                depth += -1 if match[0] in _OPENING else 1
                right = match.start()
            at = run.rfind(b",", 0, right) if depth == 0 else -1
            if at >= 0:
                return start + at
        end = start - 1
    return None


def _first_opening(runs: list[bytes]) -> int | None:
    """Return the offset of the first bracket outside strings."""
    start = 0
    for number, run in enumerate(runs):
        if not number % 2:
            match = _BRACKET.search(run)
            if match:
                return start + match.start()
        start += len(run) + 1
    return None
