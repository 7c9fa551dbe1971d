"""JSON from outside: read strictly (`document`), in parts (`parts`), or only recognised."""

from weighbridge.formats.json.detection import is_json, is_json_start
from weighbridge.formats.json.document import JsonValue, parse_json
from weighbridge.formats.json.parts import Wanted, read_wanted

__all__ = ["JsonValue", "Wanted", "is_json", "is_json_start", "parse_json", "read_wanted"]
