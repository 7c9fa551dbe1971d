"""Files beside the weights that decide what is executed, and the formats that nobody thinks of."""

from collections.abc import Iterator

from benchmarks.scan.repositories.folders import code, shards, transformers, yaml
from benchmarks.scan.repositories.others import others
from benchmarks.scan.samples import Sample


def samples() -> Iterator[Sample]:
    """Yield every sample of the two groups."""
    for source in (transformers, yaml, shards, code, others):
        yield from source()
