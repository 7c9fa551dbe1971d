"""Tensors without any header, which the model beside them says how to read."""

import posixpath
import re
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.scan.interface import Analysis, Subject

_SHARD: Final = re.compile(r"\.data-[0-9]{5}-of-[0-9]{5}\Z")


def analyze(subject: Subject) -> Analysis:
    """
    Yield a gap unless the artifact has the model that the bytes belong to.

    Nothing in such a file is interpreted: the model's own file says which bytes are numbers of
    which tensor, and its analyzer holds it to the file's size.
    """
    if not _has_model(subject):
        reason = "bytes without a header, and no file of this model says what they are"
        yield subject.gap(reason, code=Code.SCAN_UNSUPPORTED)


def _has_model(subject: Subject) -> bool:
    """Tell whether the file that says what the bytes are is there."""
    if _SHARD.search(subject.path):
        return _SHARD.sub(".index", subject.path) in subject.siblings
    folder = posixpath.dirname(subject.path)
    return any(
        path.endswith(".onnx") and posixpath.dirname(path) == folder for path in subject.siblings
    )
