"""
A strict reader of JSON from outside (RFC 8259), for every layer that meets one.

Two readers that disagree about a document are two different documents: one key that occurs
twice has been enough to sign one model and load another. So whatever RFC 8259 leaves to the
implementation is refused here: duplicate keys (section 4), a byte order mark (8.1), numbers
that are not finite or absurdly long (6), lone surrogates (8.2), deep nesting (9).
"""

import json
import math
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_JSON_DEPTH, MAX_JSON_NUMBER_CHARS, MAX_JSON_VALUES

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None
"""What a JSON document holds."""

_BOM: Final = b"\xef\xbb\xbf"
_NOT_STRUCTURE: Final = bytes(c for c in range(256) if chr(c) not in '"[]{}')
_NOT_BRACKETS: Final = bytes(c for c in range(256) if chr(c) not in "[]{}")
_BRACES_TO_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_QUOTES_OF_A_MEMBER: Final = 4
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(data: bytes, *, what: str) -> JsonValue:
    """
    Return the value of the one JSON document that *data* is.

    Objects keep their order and have no key twice; every string can be encoded as UTF-8; every
    number is finite; nesting is at most `MAX_JSON_DEPTH`, measured before anything recurses, and
    values are at most `MAX_JSON_VALUES`, counted before any is made. The caller bounds the size
    of *data* and says in *what* where it comes from, for messages.

    Raises:
        MalformedContentError: Not JSON, or JSON that two readers may read differently.
        LimitExceededError: Nested deeper than `MAX_JSON_DEPTH`, or more than `MAX_JSON_VALUES`.
    """
    refuse_bom(data, what=what)
    check_count(count_values(data), what=what)
    check_depth(data, what=what)
    return decode(data, _DECODER, what=what)


def refuse_bom(data: bytes, *, what: str) -> None:
    """Refuse a document that starts with a byte order mark."""
    if data.startswith(_BOM):
        raise malformed(what, expected="no byte order mark", found="one at the start")


def make_decoder(
    on_object: Callable[[dict[str, JsonValue]], None] | None, *, finite: bool = True
) -> json.JSONDecoder:
    """
    Return a strict decoder that shows every object to *on_object*, the inner ones first.

    Args:
        on_object: What to show them to.
        finite: Whether to refuse NaN and the infinities, which Python writes and RFC 8259 does
            not know.
    """

    def watched(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        members = _unique(pairs)
        if on_object is not None:
            on_object(members)
        return members

    return make_pairs_decoder(_unique if on_object is None else watched, finite=finite)


def make_pairs_decoder(
    build: Callable[[list[tuple[str, JsonValue]]], dict[str, JsonValue]], *, finite: bool
) -> json.JSONDecoder:
    """Return a decoder that has *build* make each object, and is strict about all else."""
    return json.JSONDecoder(
        object_pairs_hook=build,
        parse_constant=_refuse_constant if finite else float,
        parse_int=_integer,
        parse_float=_number,
    )


def decode(data: bytes, decoder: json.JSONDecoder, *, what: str) -> JsonValue:
    """
    Return the value of *data*, of which the caller has checked size, count and depth.

    Raises:
        MalformedContentError: Not JSON, or JSON that two readers may read differently.
    """
    try:
        value: JsonValue = decoder.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise malformed(what, expected="UTF-8", found=f"byte {error.start} is not") from error
    except json.JSONDecodeError as error:
        found = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise malformed(what, expected="one JSON document", found=found) from error
    except _RefusedValueError as error:
        raise malformed(what, expected=error.expected, found=error.found) from error
    if _SURROGATE_ESCAPE.search(data):
        _check_strings(value, what=what)
    return value


def count_values(data: bytes) -> int:
    """
    Return how many values *data* may have, or more.

    Every value but the outermost is behind a comma or the first in brackets. Marks within
    strings count as well: no document of a sensible size has so many. Four quotes go with a
    value at the most; others would only be pieces for `check_depth`.
    """
    values = 1 + sum(data.count(mark) for mark in (b",", b"[", b"{"))
    return max(values, data.count(b'"') // _QUOTES_OF_A_MEMBER)


def check_count(values: int, *, what: str) -> None:
    """Refuse more values than the limit, before any of them takes memory."""
    if values > MAX_JSON_VALUES:
        raise LimitExceededError(
            "the JSON has too many values",
            where=what,
            expected=f"at most {MAX_JSON_VALUES}",
            found=f"up to {values}",
        )


def check_depth(data: bytes, *, what: str, around: int = 0) -> None:
    """
    Refuse nesting beyond the limit without recursion and without a loop over the bytes.

    What is left after escapes and everything but quotes and brackets are taken away has every
    second run outside the strings. Dropping a pair of quotes does not change which runs those
    are. *around* is how many levels are around *data* already.
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = data.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in structure:
        structure = b"".join(structure.split(b'"')[::2])
    reduce_brackets(structure, what=what, around=around)


def reduce_brackets(outside: bytes, *, what: str, around: int = 0) -> bytes:
    """
    Return what is left of the brackets in *outside*, the bytes of no string, without the pairs.

    Braces count as brackets, since the decoder words errors of that kind better. Each removal of
    the innermost pairs takes away one level exactly.

    Raises:
        LimitExceededError: With the levels *around*, they are nested deeper than the limit.
    """
    structure = outside.translate(_BRACES_TO_BRACKETS, _NOT_BRACKETS)
    levels = MAX_JSON_DEPTH - around
    for _ in range(levels):
        inner = structure.replace(b"[]", b"")
        if len(inner) == len(structure):
            break
        structure = inner
    if structure.count(b"[") > levels or b"[]" in structure:
        raise LimitExceededError(
            "the JSON is nested too deeply",
            where=what,
            expected=f"at most {MAX_JSON_DEPTH} levels",
            found="more",
        )
    return structure


class _RefusedValueError(Exception):
    """A value that the decoder would take and we do not."""

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Return the object with *pairs*; no key may occur twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _RefusedValueError(expected="every key once", found=f"the key {twice[:200]!r} twice")
    return members


def _refuse_constant(name: str) -> JsonValue:
    """Refuse NaN and the infinities, which are no JSON."""
    raise _RefusedValueError(expected="finite numbers", found=name)


def _integer(text: str) -> int:
    """Return the integer, unless its length is absurd."""
    if len(text) > MAX_JSON_NUMBER_CHARS:
        raise _RefusedValueError(
            expected=f"numbers of at most {MAX_JSON_NUMBER_CHARS} characters",
            found=f"one of {len(text)}",
        )
    return int(text)


def _number(text: str) -> float:
    """Return the fraction, unless it is too large for one."""
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedValueError(expected="finite numbers", found=text[:40])
    return value


_DECODER: Final = make_decoder(None)


def _check_strings(value: JsonValue, *, what: str) -> None:
    """Refuse strings that hold half a surrogate pair: they have no UTF-8 form."""
    rest: list[JsonValue] = [value]
    while rest:
        match rest.pop():
            case str() as text:
                if not _encodable(text):
                    raise malformed(what, expected="whole surrogate pairs", found=ascii(text[:40]))
            case list() as items:
                rest.extend(items)
            case dict() as members:
                rest.extend(members)
                rest.extend(members.values())
            case _:
                continue


def _encodable(text: str) -> bool:
    """Tell whether *text* has a UTF-8 form."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def malformed(what: str, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a document that is not acceptable JSON."""
    return MalformedContentError(
        "the content is not strict JSON", where=what, expected=expected, found=found
    )
