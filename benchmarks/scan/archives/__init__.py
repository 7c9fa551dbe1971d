"""
Checkpoints and arrays in every container: torch, zip, NumPy, joblib, pandas, and compression.

Written with the frameworks themselves where they can be had, so that the files are what a
loader meets; then changed byte by byte.
"""

from collections.abc import Iterator

from benchmarks.scan.archives.arrays import arrays
from benchmarks.scan.archives.containers import containers
from benchmarks.scan.archives.torch_files import checkpoints
from benchmarks.scan.samples import Sample


def samples() -> Iterator[Sample]:
    """Yield every sample of the three groups."""
    yield from checkpoints()
    yield from containers()
    yield from arrays()
