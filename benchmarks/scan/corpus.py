"""
Writes the corpus: `python -m benchmarks.scan.corpus FOLDER`, in the environment of the victims.

`attack/ID` and `twin/ID` hold the files, `index.jsonl` a line for each sample. The files are
written when they are needed and are not kept: antivirus programs do not like them, and a file
that nobody can make again proves nothing.
"""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from benchmarks.scan import archives, gadgets, models, repositories, streams
from benchmarks.scan.samples import Sample

_SOURCES: Final[tuple[ModuleType, ...]] = (gadgets, streams, archives, models, repositories)


def write(folder: Path) -> int:
    """Write every sample; return how many there are."""
    count = 0
    with (folder / "index.jsonl").open("w") as index:
        for source in _SOURCES:
            for sample in source.samples():
                _store(folder / "attack" / sample.id, sample.files)
                if sample.twin is not None:
                    _store(folder / "twin" / sample.id, sample.twin)
                index.write(json.dumps(describe(sample)) + "\n")
                count += 1
    return count


def describe(sample: Sample) -> dict[str, object]:
    """Return what the index says of a sample."""
    return {
        "id": sample.id,
        "group": sample.group,
        "opened": sample.opened,
        "files": len(sample.files),
        "loaders": list(sample.loaders),
        "twin": sample.twin is not None,
        "twin files": len(sample.twin or ()),
        "references": list(sample.references),
        "low": sample.low,
    }


def _store(place: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True)
    print(write(target))
