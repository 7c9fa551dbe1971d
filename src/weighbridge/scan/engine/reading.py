"""
How CPython's C unpickler is given a stream, so that what it reads is beyond doubt.

From a file, the C unpickler does not read a stream as it does from memory: an opcode that
crosses the end of a frame makes it lose the rest of that frame, and so do something else. Either
a stream has no frames (`WholeStream`), or it is read frame by frame and every crossing is seen
(`FramedStream`).
"""

import re
from typing import Final

from weighbridge.core.limits.pickles import MAX_ENGINE_READS

FRAME: Final = 0x95
_FRAME_HEAD: Final = 8

_MAYBE_FRAME: Final = re.compile(rb"\x95.{3}[\0-\x10]\0{4}", re.DOTALL)
"""FRAME with a length that can be had: the C unpickler refuses one that is longer than the data,
and no stream is longer than `MAX_PICKLE_BYTES`, 2**28."""


class UnusualStreamError(Exception):
    """The stream is read in a way that the C unpickler alone does not settle."""


def may_have_frames(data: bytes, start: int) -> bool:
    """Tell whether any byte of *data* from *start* could be a FRAME that does not end the load."""
    return _MAYBE_FRAME.search(data, start) is not None


class WholeStream:
    """
    A stream without frames, all of it in the unpickler's buffer at once.

    `peek` gives everything, so that the unpickler calls `read` only to say how far it got.
    """

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self.position = start

    def peek(self, _size: int, /) -> bytes:
        """Return all that is left."""
        return self._data[self.position :]

    def read(self, size: int, /) -> bytes:
        """Count what was consumed; what is read beyond the end is nothing."""
        self.position += size
        return b""

    def readline(self) -> bytes:
        """Return nothing: a line that is not in the buffer has no end."""
        return b""


class FramedStream:
    """
    A stream in frames, read exactly as the unpickler asks, each frame with one read.

    Raises:
        UnusualStreamError: An opcode crosses a frame's end, a line of text stands outside of
            frames, or so much does that reading it so is no gain.
    """

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self.position = start
        self.ended = False
        self._reads = 0
        self._frame: int | None = None
        self._opcode: int | None = None
        self._at_end_of_frame = False

    def read(self, size: int, /) -> bytes:
        """Return *size* bytes, or fewer at the end."""
        self._reads += 1
        if self.ended or self._reads > MAX_ENGINE_READS:
            raise UnusualStreamError
        # A frame was taken whole. When the unpickler comes back it has used it up; if it wants
        # more than one byte, an opcode's argument does not end where the frame does.
        if self._at_end_of_frame and size != 1:
            raise UnusualStreamError
        piece = self._data[self.position : self.position + size]
        self.position += len(piece)
        self._at_end_of_frame = self._frame is not None and size == self._frame
        frame, self._frame = None, None
        if size == _FRAME_HEAD and self._opcode == FRAME:
            frame = int.from_bytes(piece, "little")
        self._frame = frame or None
        self._opcode = piece[0] if size == 1 and piece and not self._at_end_of_frame else None
        return piece

    def readline(self) -> bytes:
        """Refuse: no pickler that writes frames writes lines."""
        raise UnusualStreamError
