"""
Writes a vector for each advisory: `python -m benchmarks.scan.vectors`, in the environment of the victims.

`tests/vectors/advisories/ID.json` holds the smallest sample of the corpus that refers to the
advisory, and its twin. The tests scan them and need none of what they were written with.
"""

import json
import re
from pathlib import Path
from typing import Final

from benchmarks.scan import archives, gadgets, models, repositories, streams
from benchmarks.scan.samples import Sample

FOLDER: Final = Path(__file__).parents[2] / "tests" / "vectors" / "advisories"
_LARGEST: Final = 20_000
_ADVISORY: Final = re.compile(r"(?:CVE|GHSA)-[\w-]+|nullifAI|PickleBall")


def main() -> None:
    """Write every vector."""
    chosen: dict[str, Sample] = {}
    for source in (gadgets, streams, archives, models, repositories):
        for sample in source.samples():
            for reference in filter(_ADVISORY.fullmatch, sample.references):
                known = chosen.get(reference)
                if known is None or _rank(sample) < _rank(known):
                    chosen[reference] = sample
    FOLDER.mkdir(parents=True, exist_ok=True)
    for reference, sample in sorted(chosen.items()):
        (FOLDER / f"{reference}.json").write_text(
            json.dumps(_vector(reference, sample), indent=1) + "\n"
        )
    print(len(chosen))


def _rank(sample: Sample) -> tuple[bool, bool, int]:
    """Order by whether it executes and has a twin, then by size."""
    return not sample.loaders, sample.twin is None, _size(sample.files)


def _size(files: dict[str, bytes]) -> int:
    return sum(map(len, files.values()))


def _vector(reference: str, sample: Sample) -> dict[str, object]:
    twin = sample.twin if sample.twin is not None and _size(sample.twin) <= _LARGEST else None
    if _size(sample.files) > _LARGEST:
        raise ValueError(f"{sample.id} is too large for a vector of {reference}")
    return {
        "id": reference,
        "description": f"{sample.group}: {sample.id}",
        "files": {name: data.hex() for name, data in sample.files.items()},
        "twin": None if twin is None else {name: data.hex() for name, data in twin.items()},
    }


if __name__ == "__main__":
    main()
