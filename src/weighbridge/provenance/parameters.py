"""
Parameters of a build: nested objects on the wire, pairs of a dotted name and a value in a policy.

A policy has to expect every parameter by its name. So a name stands for one place in the object
and for no other: a key that has a dot or a quote in it, or is empty, is quoted as JSON does it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from weighbridge.core.errors import LimitExceededError, UsageError
from weighbridge.core.limits.claims import (
    MAX_STATEMENT_NAME_CHARS,
    MAX_STATEMENT_PARAMETERS,
    MAX_STATEMENT_TEXT_CHARS,
)
from weighbridge.formats.json import JsonValue

_BARE: Final = re.compile(r'[^."\s]+')
_SEGMENT: Final = re.compile(r'([^."\s]+)|("(?:[^"\\]|\\.)*")')


def canonical(value: JsonValue, /) -> str:
    """Return *value* as canonical JSON: sorted keys, no space, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def parameters_of(values: Mapping[str, JsonValue], /) -> tuple[tuple[str, str], ...]:
    """
    Return *values* as pairs of a dotted name and a value as canonical JSON, sorted.

    Arrays are values as a whole. What is null, or an array or an object without anything in it,
    is as good as unset (SLSA v1.2, build provenance, parsing rules) and is not among the pairs.
    An empty string is: a caller can choose it in the place of a default.

    Raises:
        LimitExceededError: More than `MAX_STATEMENT_PARAMETERS`, or a name beyond any sense.
    """
    pairs: list[tuple[str, str]] = []
    rest: list[tuple[str, JsonValue]] = [(segment(key), values[key]) for key in values]
    visited = characters = 0
    while rest:
        name, value = rest.pop()
        visited += 1
        characters += len(name)
        _check_bounds(visited, characters, len(name))
        if isinstance(value, dict):
            rest.extend((f"{name}.{segment(key)}", value[key]) for key in value)
        elif value is not None and value != []:
            pairs.append((name, canonical(value)))
    return tuple(sorted(pairs))


def _check_bounds(visited: int, characters: int, longest: int) -> None:
    if (
        visited > MAX_STATEMENT_PARAMETERS
        or characters > MAX_STATEMENT_NAME_CHARS
        or longest > MAX_STATEMENT_TEXT_CHARS
    ):
        raise LimitExceededError(
            "the build has too many parameters, or too long names of them",
            expected=f"at most {MAX_STATEMENT_PARAMETERS} with {MAX_STATEMENT_NAME_CHARS} "
            f"characters, and {MAX_STATEMENT_TEXT_CHARS} for one",
            found="more",
        )


def collapsed(name: str, value: JsonValue, /) -> tuple[tuple[str, str], ...]:
    """
    Return *value*, an object of things that have no fixed names, as one parameter *name*.

    A policy could not expect each of them by its own name; like this it says at least that it
    takes them, or which ones. There is none where the object is empty.
    """
    return () if value in ({}, None) else ((name, canonical(value)),)


def render_parameters(pairs: Iterable[tuple[str, str]], /) -> dict[str, JsonValue]:
    """
    Return the object of which *pairs* are the parameters: the inverse of `parameters_of`.

    Raises:
        UsageError: The pairs are those of no object.
    """
    every = tuple(pairs)
    document: dict[str, JsonValue] = {}
    for name, value in every:
        try:
            _place(document, segments(name), json.loads(value))
        except (TypeError, ValueError) as error:
            raise UsageError(
                "a parameter of the build cannot be written",
                expected="a dotted name and a value as JSON, each name once",
                found=f"{name!r}: {error}",
            ) from error
    if parameters_of(document) != tuple(sorted(every)):
        raise UsageError(
            "the parameters of the build cannot be written",
            expected="dotted names of values as canonical JSON that are not empty, each name once",
            found="others",
        )
    return document


def _place(document: dict[str, JsonValue], keys: list[str], value: JsonValue) -> None:
    """Put *value* where *keys* lead, through objects that are made on the way."""
    *outer, last = keys
    for key in outer:
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            raise TypeError("another parameter has a value there")
        document = inner
    document[last] = value


def segment(key: str, /) -> str:
    """Return *key* as one part of a dotted name."""
    return key if _BARE.fullmatch(key) is not None else json.dumps(key)


def segments(name: str, /) -> list[str]:
    """
    Return the keys that the dotted *name* leads through.

    Raises:
        ValueError: It is no such name.
    """
    keys: list[str] = []
    position = 0
    while True:
        match = _SEGMENT.match(name, position)
        if match is None:
            raise ValueError(f"no parameter has the name {name[:80]!r}")
        keys.append(match[1] if match[1] is not None else str(json.loads(match[2])))
        position = match.end()
        if position == len(name):
            return keys
        if name[position] != ".":
            raise ValueError(f"no parameter has the name {name[:80]!r}")
        position += 1
