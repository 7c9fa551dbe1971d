"""The payload, harmless values, and what streams are put together from."""

import pickle
from collections.abc import Callable
from struct import pack
from typing import Final

from benchmarks.scan.samples import SHELL

GROUP: Final = "pickle: streams"

SYSTEM: Final = b"cos\nsystem\n"

SHELL_TEXT: Final = b"X" + pack("<I", len(SHELL)) + SHELL.encode()

PAYLOAD: Final = SYSTEM + SHELL_TEXT + b"\x85R"
"""Leaves one value: what `os.system` returns."""

HARMLESS: Final = b"ccollections\nOrderedDict\n)R"

DATA: Final = pickle.dumps({"weights": [1.0, 2.0], "name": "model"}, 2)

STREAM: Final = b"\x80\x02" + PAYLOAD + b"."

Trick = Callable[[bytes], bytes]


def text_of(text: str) -> bytes:
    """Return the opcode that pushes *text*."""
    data = text.encode("utf-8", "surrogatepass")
    return b"X" + pack("<I", len(data)) + data
