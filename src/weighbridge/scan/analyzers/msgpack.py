"""
MessagePack: models of Flax, parts of spaCy's pipelines.

The format itself runs nothing, so there is no rule about it: what readers of it unpickle is
examined as the pickle that it is, and whatever else is in such a file is data.
"""

from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import RegionSource
from weighbridge.formats.msgpack import Buried, MsgpackReader
from weighbridge.formats.sniff import sniff
from weighbridge.scan.interface import Analysis, Subject

_PICKLES: Final = frozenset({FileFormat.JOBLIB, FileFormat.PICKLE, FileFormat.TORCH_LEGACY})


def analyze(subject: Subject) -> Analysis:
    """
    Yield every pickle within the file: data of object arrays, and bytes that begin as one.

    Raises:
        MalformedContentError: Not MessagePack, or cut.
        LimitExceededError: Too many values, or too deep in each other.
    """
    taken: set[int] = set()
    for buried in MsgpackReader(subject.source, between=subject.check_time).buried():
        length = buried.end - buried.start
        source = RegionSource(subject.source, offset=buried.start, length=length)
        found = FileFormat.PICKLE if buried.objects else sniff(source, name="").format
        if found in _PICKLES and buried.start not in taken:
            taken.add(buried.start)
            subject.budget.open_member()
            yield subject.nested(member=_name(buried), format=found, source=source)


def _name(buried: Buried) -> str:
    """Return what the place is called in findings."""
    key = "".join(c for c in buried.key if c.isalnum() or c in "_-.")
    return f"{key or 'bytes'}@{buried.start}"
