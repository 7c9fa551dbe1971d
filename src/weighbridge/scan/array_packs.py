"""
Packs of slovnet: a tar of arrays without any header, and a file that says what each of them is.

`model.json` has a shape, a type and a number for each array, which is `arrays/NUMBER.bin`. slovnet
reads it by `numpy.frombuffer` and in no other way. Numbers look like anything, like the start of a
pickle too: what has exactly the size that the model says, and is nothing that any reader could
take for more, is numbers.
"""

import math
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES
from weighbridge.core.limits.units import MIB
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.trace import Anomaly, AnomalyKind, Event
from weighbridge.formats.pickle.values import ExtensionNode
from weighbridge.formats.tar import TarArchive
from weighbridge.scan.analyzers.raw_tensors import objects_at_start
from weighbridge.scan.configuration import objects_in
from weighbridge.scan.interface import Subject
from weighbridge.scan.pickle_streams import bounds_of

_META: Final = "meta.json"
_MODEL: Final = "model.json"
_ITEM_BYTES: Final = MappingProxyType(
    {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint8": 1, "uint32": 4}
)
_MOST_MEMBERS: Final = 1024
_NUMBERS: Final = frozenset({FileFormat.RAW_BYTES, FileFormat.RAW_TENSORS, FileFormat.UNKNOWN})


def sizes_of_arrays(subject: Subject, archive: TarArchive) -> dict[str, int]:
    """
    Return the bytes of each array of a pack, by the member's name; nothing for another archive.

    A name that two members or two descriptions have is left out, and so is all that a model says
    that cannot be read: its analyzer says why.
    """
    names = [member.name for member in archive.members]
    single = {member.name: member for member in archive.members if names.count(member.name) == 1}
    if len(names) > _MOST_MEMBERS or not single.keys() >= {_META, _MODEL}:
        return {}
    model = single[_MODEL]
    if model.size > MIB:
        return {}
    try:
        document = parse_json(subject.source.read_at(model.offset, model.size), what=_MODEL)
    except (LimitExceededError, MalformedContentError):
        return {}
    sizes: dict[str, int] = {}
    twice: set[str] = set()
    for name, size in _described(document):
        if name in sizes:
            twice.add(name)
        sizes[name] = size
    return {name: size for name, size in sizes.items() if name in single and name not in twice}


def _described(document: JsonValue) -> Iterator[tuple[str, int]]:
    """Yield the name and the size of each array that a model describes."""
    for _, members in objects_in(document):
        shape, number = members.get("shape"), members.get("array")
        kind = members.get("dtype")
        item = _ITEM_BYTES.get(kind) if isinstance(kind, str) else None
        if item is None or type(number) is not int or not isinstance(shape, list):
            continue
        lengths = [length for length in shape if type(length) is int and length >= 0]
        if len(lengths) == len(shape):
            yield f"arrays/{number}.bin", math.prod(lengths) * item


def is_numbers(subject: Subject, content: ByteSource, found: FileFormat) -> bool:
    """
    Tell whether *content*, told as *found*, is nothing but the numbers that a pack describes.

    What begins like a pickle is, where it breaks before it names anything.
    """
    if found is not FileFormat.PICKLE:
        return found in _NUMBERS and objects_at_start(content) is None
    if content.size > MAX_PICKLE_BYTES:
        return False
    trace = run(content.read_at(0, content.size), bounds=bounds_of(subject))
    harmless = all(map(_is_harmless, trace.events))
    return harmless and not (trace.complete or trace.limits or trace.uncounted)


def _is_harmless(event: Event) -> bool:
    """Tell whether an unpickler that comes to *event* imports and calls nothing of its choice."""
    if isinstance(event, Anomaly):
        return event.kind is not AnomalyKind.FRAME
    return isinstance(event, ExtensionNode)
