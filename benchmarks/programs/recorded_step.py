"""
Do a fixed amount of training: `recorded_step.py ROUNDS OPENINGS INPUT OUTPUT`.

Each round multiplies matrices and opens the files of INPUT in turn, OPENINGS times, as a loader
of training data does; OUTPUT gets a file at the end.
"""

import sys
from pathlib import Path

import numpy as np

_WIDTH = 512


def main() -> None:
    """Train."""
    rounds, openings = int(sys.argv[1]), int(sys.argv[2])
    source, output = Path(sys.argv[3]), Path(sys.argv[4])
    files = sorted(source.iterdir())
    weights = np.random.default_rng(0).random((_WIDTH, _WIDTH))
    opened = 0
    for _ in range(rounds):
        for _ in range(openings):
            with files[opened % len(files)].open("rb") as file:
                file.read()
            opened += 1
        weights = weights - 1e-9 * (weights @ weights)
    output.mkdir(exist_ok=True)
    np.save(output / "weights.npy", weights)


main()
