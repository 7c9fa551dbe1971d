"""What an array of Zarr has its reader do with each of its chunks."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue
from weighbridge.scan.configuration import objects_in
from weighbridge.scan.interface import Facts, Subject

_VERSIONS: Final = frozenset({"zarr_consolidated_format", "zarr_format"})
_NAMES: Final = ("id", "name")
_PICKLES: Final = frozenset({"numcodecs.pickle", "pickle"})


@frozen
class ZarrCodecFacts(Facts):
    """
    A codec that unpickles chunks.

    Attributes:
        where: The keys and indexes that lead to it, joined by `/`.
    """

    where: str


def codec_facts(subject: Subject, document: JsonValue) -> Iterator[ZarrCodecFacts]:
    """Yield the codecs among the metadata of arrays, if *document* has any, that unpickle."""
    if not isinstance(document, dict) or _VERSIONS.isdisjoint(document):
        return
    for where, members in objects_in(document):
        subject.check_time()
        if any(members.get(name) in _PICKLES for name in _NAMES if _is_text(members.get(name))):
            yield ZarrCodecFacts(subject=subject, where="/".join(("", *where)))


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str)
