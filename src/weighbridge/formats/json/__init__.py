"""
JSON from outside: read strictly (`document`), in parts (`parts`), or only recognised (`detection`).

What a document means is read member by member (`members`). Only the first is imported here:
signing needs it, and nothing else.
"""

from weighbridge.formats.json.document import JsonValue, parse_json

__all__ = ["JsonValue", "parse_json"]
