"""
JSON in which keys occur twice: tables of words, where that is a slip, and everything else.

Readers differ about such a key (RFC 8259, section 4), so that a scanner that sees one value can
be shown another than a loader. Lists of words that people have put together have such keys all
the same: two lemmas of one word. A document passes here only as what nobody takes for more: by
its name no loader's, all of it rows of one kind, with nothing in either reading that any rule
looks at, and repeated only where a word stands for words or for numbers.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.limits.documents import MAX_JSON_TABLE_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue
from weighbridge.formats.json.repeated import Repeated, TwoReadings, read_both_ways
from weighbridge.scan.interface import Facts, Subject
from weighbridge.scan.loader_names import is_place_of_settings, may_be_settings

_COMPRESSED: Final = frozenset(
    {
        FileFormat.BZIP2,
        FileFormat.DEFLATE,
        FileFormat.GZIP,
        FileFormat.LZ4,
        FileFormat.XZ,
        FileFormat.ZLIB,
        FileFormat.ZSTD,
    }
)

_FEWEST_ROWS: Final = 32
"""Settings have a handful of keys and rarely all of one kind; a table of words has many."""

_SHOWN: Final = 5
_LONGEST: Final = 64
_WORD: Final = re.compile(r"[^\W_]+(?:[ '\u2019\u00b7.-]{1,2}[^\W_]+)*[.'\u2019]?")
"""What is written with letters, digits, and what joins words: no path, address or template."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)+", re.ASCII)
"""What could be a module, a file or a host: words with a point between them."""


@frozen
class RepeatedKeyFacts(Facts):
    """
    A table in which keys are repeated, and which is no more than a table.

    Attributes:
        keys: How many keys occur more than once.
        differing: How many of them have different values.
        examples: Some of those, with their values.
    """

    keys: int
    differing: int
    examples: tuple[str, ...]


def is_table_name(subject: Subject) -> bool:
    """
    Tell whether *subject* may be a table by its name and its place.

    A member of an archive belongs to what the archive is for; only compression is looked through.
    """
    if not _COMPRESSED.issuperset(subject.around) or is_place_of_settings(subject.path):
        return False
    fits = subject.format is FileFormat.JSON and subject.source.size <= MAX_JSON_TABLE_BYTES
    return fits and not may_be_settings(subject.name)


def read_table(
    subject: Subject,
    *,
    sensitive: frozenset[str],
    facts_of: Callable[[JsonValue], Iterable[Facts]],
) -> RepeatedKeyFacts | None:
    """
    Return what is repeated in *subject*, a table; None for anything that may be more.

    Args:
        subject: JSON that is not strict, of a name that `is_table_name` admits.
        sensitive: Keys that some rule looks at, in lower case.
        facts_of: What the rules look at in a reading.

    Raises:
        MalformedContentError: It has something else than repeated keys that readers differ about.
        LimitExceededError: Too deep, or too many values.
    """
    readings = read_both_ways(subject.source, what=subject.name)
    tables = _tables_in(readings)
    if tables is None:
        return None
    for keys, table in tables:
        subject.check_time()
        found = readings.repeated.get(id(table), {})
        if found and not (_is_long(table) and _are_words((*keys, *found), sensitive)):
            return None
        if not all(map(_are_alike, found.values())):
            return None
    for reading in (readings.first, readings.last):
        if any(True for _ in facts_of(reading)):
            return None
    return _describe(subject, readings.repeated.values())


def _tables_in(readings: TwoReadings) -> list[tuple[tuple[str, ...], dict[str, JsonValue]]] | None:
    """
    Return the tables that the document is or holds by name, with the keys that lead to each.

    None where it is anything else: all of it has to be a table, or an object of tables.
    """
    document = readings.last
    if not isinstance(document, dict) or not document:
        return None
    inner = [(key, value) for key, value in document.items() if isinstance(value, dict)]
    if not inner:
        return [((), document)] if _is_table(document) else None
    if len(inner) != len(document) or id(document) in readings.repeated:
        return None
    tables = all(_is_table(value) for _, value in inner)
    return [((key,), value) for key, value in inner] if tables else None


def _is_table(members: dict[str, JsonValue]) -> bool:
    """Tell whether all values of an object are of one kind, words or numbers or lists of them."""
    kinds = set(map(_kind, members.values()))
    return len(kinds) == 1 and "" not in kinds


def _kind(value: JsonValue) -> str:
    """Return what a row has on its right; the empty string for what a table has not."""
    if isinstance(value, list):
        kinds = {_kind_of_scalar(item) for item in value}
        return f"list of {kinds.pop()}" if len(kinds) == 1 and "" not in kinds else ""
    return _kind_of_scalar(value)


def _kind_of_scalar(value: JsonValue) -> str:
    if isinstance(value, str):
        return "words"
    return "numbers" if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _is_long(table: dict[str, JsonValue]) -> bool:
    return len(table) >= _FEWEST_ROWS


def _are_words(keys: Iterable[str], sensitive: frozenset[str]) -> bool:
    """Tell whether *keys* are words, and none of them one that a rule looks at."""
    return all(_is_word(key) and key.lower() not in sensitive for key in keys)


def _are_alike(values: list[JsonValue]) -> bool:
    """Tell whether it matters to words or numbers only which of *values* a reader keeps."""
    kinds = {_kind(value) for value in values}
    if len(kinds) != 1 or "" in kinds:
        return False
    different = any(value != values[0] for value in values[1:])
    return not different or all(_is_word(text) for value in values for text in _texts_in(value))


def _texts_in(value: JsonValue) -> Iterator[str]:
    """Yield the texts of a row's right side."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item


def _is_word(text: str) -> bool:
    """Tell whether *text* is a word or a few, and no name of a module, a file or a place."""
    fits = len(text) <= _LONGEST and _WORD.fullmatch(text) is not None
    return fits and _NAME.fullmatch(text) is None


def _describe(subject: Subject, repeated: Iterable[Repeated]) -> RepeatedKeyFacts:
    """Return the facts about a table's repeated keys."""
    keys = 0
    differing: list[str] = []
    for found in repeated:
        keys += len(found)
        differing.extend(
            f"{key}: {', '.join(map(str, islice(values, _SHOWN)))}"
            for key, values in found.items()
            if any(value != values[0] for value in values[1:])
        )
    return RepeatedKeyFacts(
        subject=subject, keys=keys, differing=len(differing), examples=tuple(differing[:_SHOWN])
    )
