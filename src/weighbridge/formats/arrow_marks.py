"""What files of Arrow, Feather and Parquet begin with."""

from typing import Final

FILE: Final = b"ARROW1"
FEATHER: Final = b"FEA1"
PARQUET: Final = b"PAR1"
CONTINUATION: Final = b"\xff\xff\xff\xff"
SCHEMA: Final = 1
"""The kind of a message that is a schema."""
_START: Final = 8
_VTABLE: Final = 4
_KIND: Final = _VTABLE + 2


def is_stream(head: bytes) -> bool:
    """Tell whether *head* is that of a stream: a message, a flatbuffer that says it is a schema."""
    if not head.startswith(CONTINUATION) or len(head) < _START + 4:
        return False
    length = int.from_bytes(head[4:8], "little")
    message = head[_START : _START + length]
    table = int.from_bytes(message[:4], "little")
    vtable = table - int.from_bytes(message[table : table + 4], "little", signed=True)
    if not 0 < vtable < len(message) - _KIND or not 0 < table < len(message) - _VTABLE:
        return False
    if int.from_bytes(message[vtable : vtable + 2], "little") < _KIND + 2:
        return False
    kind = table + int.from_bytes(message[vtable + _KIND : vtable + _KIND + 2], "little")
    return message[kind : kind + 1] == bytes([SCHEMA])
