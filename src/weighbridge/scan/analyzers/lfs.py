"""Git LFS pointers: text that stands where the weights should be."""

import re
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.text import read_text


@frozen
class LfsPointerFacts(Facts):
    """
    What a pointer points to, by its own account.

    Attributes:
        oid: The object's name, such as `sha256:...`; None when the pointer does not say.
        size: The object's size in bytes; None when the pointer does not say.
    """

    oid: str | None
    size: int | None


_OID: Final = re.compile(r"^oid (\w+:[0-9a-f]{1,128})$", re.MULTILINE)
_SIZE: Final = re.compile(r"^size ([0-9]{1,20})$", re.MULTILINE)


def analyze(subject: Subject) -> Analysis:
    """
    Yield what the pointer names.

    Raises:
        MalformedContentError: Not UTF-8.
        LimitExceededError: Larger than the limit for text.
    """
    text = read_text(subject)
    oid, size = _OID.search(text), _SIZE.search(text)
    yield LfsPointerFacts(
        subject=subject,
        oid=oid.group(1) if oid else None,
        size=int(size.group(1)) if size else None,
    )
