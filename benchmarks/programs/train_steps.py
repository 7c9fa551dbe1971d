"""
Train for some steps and print the seconds of one: `train_steps.py STEPS`.

It is the quickest tenth of the steps that counts: what another process took is no step's cost.

With PyTorch where it is installed, else the same arithmetic with NumPy.
"""

import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from typing import Final

_WIDTH: Final = 256
_ROWS: Final = 256


def with_torch() -> Callable[[], object]:
    """Return a step of a small network."""
    import torch  # noqa: PLC0415  optional

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(_WIDTH, _WIDTH), torch.nn.ReLU(), torch.nn.Linear(_WIDTH, 1)
    )
    optimizer = torch.optim.Adam(network.parameters())
    rows = torch.rand(_ROWS, _WIDTH)

    def step() -> object:
        optimizer.zero_grad()
        loss = network(rows).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def with_numpy() -> Callable[[], object]:
    """Return a step of a linear model."""
    import numpy as np  # noqa: PLC0415  optional

    generator = np.random.default_rng(0)
    rows = generator.random((_ROWS, _WIDTH))
    weights = generator.random((_WIDTH, _WIDTH))

    def step() -> object:
        nonlocal weights
        weights = weights - 1e-6 * (rows.T @ (rows @ weights))
        return float(weights[0, 0])

    return step


def main() -> None:
    """Train."""
    step = with_torch() if importlib.util.find_spec("torch") else with_numpy()
    seconds: list[float] = []
    for _ in range(int(sys.argv[1])):
        begun = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begun)
    print(statistics.mean(sorted(seconds)[: max(1, len(seconds) // 10)]))


main()
