"""Writing of TOML: strings, lists, dates and one level of inline tables; enough for policies."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

TomlValue = str | bool | int | date | Sequence["TomlValue"] | Mapping[str, "TomlValue"]

_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_DELETE: Final = 0x7F
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def toml_string(text: str) -> str:
    """
    Return *text* as a basic string.

    Raises:
        ValueError: *text* has a surrogate, which TOML cannot express.
    """
    text.encode()
    return '"' + "".join(map(_escape, text)) + '"'


def toml_key(key: str) -> str:
    """Return *key* as it stands to the left of an equals sign: one key, whatever is in it."""
    return key if _BARE.fullmatch(key) is not None else toml_string(key)


def toml_value(value: TomlValue) -> str:
    """Return *value* as it stands to the right of an equals sign, on one line."""
    match value:
        case str():
            return toml_string(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case date():
            return value.isoformat()
        case Mapping():
            pairs = (f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items())
            return "{ " + ", ".join(pairs) + " }" if value else "{}"
        case _:
            return "[" + ", ".join(toml_value(item) for item in value) + "]"


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character < " " or ord(character) == _DELETE:
        return f"\\u{ord(character):04x}"
    return character
