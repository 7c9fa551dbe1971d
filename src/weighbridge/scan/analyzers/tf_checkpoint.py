"""The index of a TensorFlow checkpoint, held to the sizes of its data files."""

import re
from typing import Final

from weighbridge.core.errors import MalformedContentError
from weighbridge.formats.protobuf import load_schema
from weighbridge.formats.tensor_bundle import read_index
from weighbridge.scan.interface import Analysis, Subject

_SHARD: Final = re.compile(r"\.data-([0-9]{5})-of-[0-9]{5}\Z")


def analyze(subject: Subject) -> Analysis:
    """
    Yield nothing: a checkpoint names tensors and no more.

    Raises:
        MalformedContentError: Not a table of tensors, or one outside its data file.
        LimitExceededError: Too many tensors.
    """
    sizes = _shards(subject)
    for number, entry in enumerate(read_index(subject.source, schema=load_schema("tensorflow"))):
        if number % 1024 == 0:
            subject.check_time()
        size = sizes.get(entry.shard)
        if size is not None and entry.end > size:
            raise MalformedContentError(
                "a tensor lies outside its data file",
                where=entry.name,
                expected=f"an end by byte {size}",
                found=str(entry.end),
            )
    yield from ()


def _shards(subject: Subject) -> dict[int, int]:
    """Return the sizes of the data files beside the index, by their numbers."""
    stem = subject.path.removesuffix(".index")
    found: dict[int, int] = {}
    for path, size in subject.sizes.items():
        match = _SHARD.search(path) if path.startswith(stem) else None
        if match is not None and path[: match.start()] == stem:
            found[int(match.group(1))] = size
    return found
