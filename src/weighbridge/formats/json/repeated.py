"""
JSON in which a key occurs twice in one object, read both ways.

RFC 8259 leaves it open what such a document means (section 4). Some readers keep the first value
of a key and some the last; both are made here, so that whoever judges can look at both.
"""

import json
from collections.abc import Callable
from typing import TypeAlias

from weighbridge.core.content import ByteSource
from weighbridge.core.values import frozen
from weighbridge.formats.json.document import (
    JsonValue,
    check_count,
    check_depth,
    count_values,
    decode,
    make_pairs_decoder,
    refuse_bom,
)

_Pairs: TypeAlias = list[tuple[str, JsonValue]]
Repeated: TypeAlias = dict[str, list[JsonValue]]
"""The keys that occur more than once in an object, with all of their values in order."""


@frozen
class TwoReadings:
    """
    A document as readers see it.

    Attributes:
        first: As those do who keep the first value of each key.
        last: As those do who keep the last one.
        repeated: The objects of `last` in which keys are repeated, by their `id`, with those keys.
    """

    first: JsonValue
    last: JsonValue
    repeated: dict[int, Repeated]


def read_both_ways(source: ByteSource, *, what: str) -> TwoReadings:
    """
    Return both readings of the JSON document in *source*, which the caller has bounded.

    The document is held to everything that `parse_json` asks for, but for keys that occur twice
    and for NaN and the infinities. What is below a value that a reading drops is in the other.

    Raises:
        MalformedContentError: Not JSON, or JSON that two readers may read differently otherwise.
        LimitExceededError: Too deep, or too many values.
    """
    data = source.read_at(0, source.size)
    refuse_bom(data, what=what)
    check_count(count_values(data), what=what)
    check_depth(data, what=what)
    repeated: dict[int, Repeated] = {}

    def keep_last(pairs: _Pairs) -> dict[str, JsonValue]:
        members = dict(pairs)
        if len(members) != len(pairs):
            repeated[id(members)] = _repeated_in(pairs)
        return members

    last = decode(data, _decoder(keep_last), what=what)
    first = decode(data, _decoder(_keep_first), what=what)
    return TwoReadings(first=first, last=last, repeated=repeated)


def _decoder(build: Callable[[_Pairs], dict[str, JsonValue]]) -> json.JSONDecoder:
    return make_pairs_decoder(build, finite=False)


def _keep_first(pairs: _Pairs) -> dict[str, JsonValue]:
    members: dict[str, JsonValue] = {}
    for key, value in pairs:
        members.setdefault(key, value)
    return members


def _repeated_in(pairs: _Pairs) -> Repeated:
    """Return the keys of *pairs* that are there more than once."""
    found: Repeated = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: values for key, values in found.items() if len(values) > 1}
