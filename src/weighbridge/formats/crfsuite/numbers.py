"""What the readers of the parts of a CRFsuite model share: numbers, and their one error."""

import sys
from array import array
from typing import NoReturn

from weighbridge.core.errors import MalformedContentError


def numbers_in(data: bytes) -> "array[int]":
    """Return the 32-bit numbers that *data* is."""
    numbers = array("I", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def refuse(expected: str, found: str) -> NoReturn:
    """
    Refuse a model.

    Raises:
        MalformedContentError: Always.
    """
    raise MalformedContentError("the CRFsuite model cannot be read", expected=expected, found=found)
