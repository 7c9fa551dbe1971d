"""Base64 as the services of the test instance speak it."""

import base64
import binascii

from weighbridge.demo.instance.server import RequestRefusedError


def to_base64(data: bytes, /) -> str:
    """Return *data* in base64."""
    return base64.b64encode(data).decode()


def from_base64(text: str, /) -> bytes:
    """
    Return what the base64 of a request stands for.

    Raises:
        RequestRefusedError: It is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RequestRefusedError("expected base64") from error
