"""Length-prefixed messages over a socket, with a bound and a deadline for the side that waits."""

import socket
import time
from struct import Struct
from typing import Final

_HEAD: Final = Struct("<cI")
_CHUNK: Final = 1 << 20


class FrameError(Exception):
    """The other side sent something that is no message, sent too much, or sent nothing in time."""


class SilenceError(FrameError):
    """The time is used up."""


class HangUpError(FrameError):
    """The other side is gone."""


def send_frame(to: socket.socket, kind: bytes, payload: bytes) -> None:
    """
    Send one message.

    Raises:
        HangUpError: The other side is gone.
        SilenceError: It does not take the message within the socket's time-out.
    """
    try:
        to.sendall(_HEAD.pack(kind, len(payload)) + payload)
    except TimeoutError as error:
        raise SilenceError("the other side takes nothing") from error
    except OSError as error:
        raise HangUpError("the other side is gone") from error


def receive_frame(
    source: socket.socket, *, most: int, until: float | None = None
) -> tuple[bytes, bytes]:
    """
    Return kind and payload of the next message, which has at most *most* bytes.

    Args:
        source: Where it comes from; its time-out is changed.
        most: Bytes of payload at most; a longer message is not read.
        until: When to give up, on the scale of `time.monotonic`; None for never.

    Raises:
        FrameError: There is none.
    """
    kind, length = _HEAD.unpack(_receive(source, _HEAD.size, until))
    if length > most:
        raise FrameError(f"a message has {length} bytes, at most {most} are taken")
    return kind, bytes(_receive(source, length, until))


def _receive(source: socket.socket, length: int, until: float | None) -> bytearray:
    """Return exactly *length* bytes; memory grows with what has come and not with the promise."""
    data = bytearray()
    while len(data) < length:
        try:
            if until is not None:
                source.settimeout(_left(until))
            piece = source.recv(min(length - len(data), _CHUNK))
        except TimeoutError as error:
            raise SilenceError("the time is used up") from error
        except OSError as error:
            raise HangUpError("the other side is gone") from error
        if not piece:
            raise HangUpError("the other side is gone")
        data += piece
    return data


def _left(until: float) -> float:
    """Return the seconds until *until*; a time-out of zero would mean not to wait at all."""
    return max(until - time.monotonic(), 0.001)
