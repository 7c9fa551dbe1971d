"""
Keras configurations as Keras reads them, where a strict reader refuses.

`json.loads` of bytes takes a byte order mark, UTF-16 and UTF-32, NaN, and the last of two equal
keys. What it would build has to be seen, and so does what a reader of the first key would.
"""

import json
from collections.abc import Iterator
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.evidence import Gap
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.formats.json.document import check_count, check_depth, count_values
from weighbridge.scan.configuration import settings_in
from weighbridge.scan.interface import Facts, Subject
from weighbridge.scan.keras.configuration import keras_facts
from weighbridge.scan.keras.facts import KerasAmbiguityFacts

_UTF8: Final = "utf-8"


def configuration_facts(subject: Subject, data: bytes, *, what: str) -> Iterator[Facts | Gap]:
    """
    Yield what the configuration *data* says, in every reading, and a gap where it has none.

    Raises:
        LimitExceededError: Larger or nested deeper than the limits of JSON.
    """
    try:
        document = parse_json(data, what=what)
    except MalformedContentError as error:
        reader = _LenientReader()
        try:
            document = reader.read(data, what=what)
        except ValueError:
            yield subject.gap(error.told(), code=Code.SCAN_MALFORMED)
            return
        for reason in dict.fromkeys(reader.reasons):
            yield KerasAmbiguityFacts(subject=subject, where=what, reason=reason)
    yield from settings_in(subject, document)
    yield from keras_facts(subject, document)


class _LenientReader:
    """Reads JSON as Python does, and keeps what other readers would not agree with."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def read(self, data: bytes, *, what: str) -> JsonValue:
        """
        Return the document, with every value of every key.

        Raises:
            LimitExceededError: It has too many values, or is nested too deeply.
            ValueError: Python does not read it either.
        """
        encoding = json.detect_encoding(data)
        text = data.decode(encoding, "surrogatepass")
        if encoding != _UTF8:
            self.reasons.append(f"it is encoded in {encoding}")
        plain = text.encode(_UTF8, "surrogatepass")
        check_count(count_values(plain), what=what)
        check_depth(plain, what=what)
        decoder = json.JSONDecoder(object_pairs_hook=self._object)
        document: JsonValue = decoder.decode(text)
        try:
            json.dumps(document, ensure_ascii=False).encode(_UTF8)
        except UnicodeEncodeError:
            self.reasons.append("it has halves of surrogate pairs")
        return document

    def _object(self, pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        """
        Return an object with all *pairs*.

        The last value of a key is under the key, as Python has it; each earlier one makes an
        object of its own with all the other keys.
        """
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        earlier: list[JsonValue] = []
        seen: set[str] = set()
        for key, value in pairs:
            if key in seen:
                self.reasons.append(f"the key {key[:100]!r} occurs twice")
            seen.add(key)
            if members[key] is not value:
                earlier.append({**members, key: value})
        members["(other values)"] = earlier
        return members
