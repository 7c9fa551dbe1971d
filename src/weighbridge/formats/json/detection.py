"""Tell JSON from other text, also JSON that is too odd to be read."""

import json
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.formats.json.document import check_depth

_LENIENT: Final = json.JSONDecoder()
_LONGEST_CUT: Final = 12
"""Characters that an escaped surrogate pair has, the longest piece that a cut may leave."""


def is_json(data: bytes) -> bool:
    """
    Tell whether some reader would take *data* as one JSON document.

    More is JSON in this sense than `parse_json` reads: duplicate keys, NaN, or deep nesting
    make a document that has to be refused, not one of another format.
    """
    try:
        check_depth(data, what="")
    except LimitExceededError:
        return True
    try:
        _LENIENT.decode(data.decode("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return False
    except ValueError:
        return True  # A number of more digits than Python converts, in JSON all the same.
    return True


def is_json_start(data: bytes) -> bool:
    """Tell whether *data* may be the start of a longer JSON document."""
    try:
        check_depth(data, what="")
    except LimitExceededError:
        return True
    text = data.decode("utf-8", "ignore").lstrip(" \t\r\n")
    try:
        _, end = _LENIENT.raw_decode(text)
    except json.JSONDecodeError as error:
        # What is cut at the end fails there, or where its last string starts.
        return error.pos >= len(text) - _LONGEST_CUT or error.msg.startswith("Unterminated string")
    except ValueError:
        return True
    return not text[end:].strip(" \t\r\n")
