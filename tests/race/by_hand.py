"""
Race every loader for as long as it takes: `make race`.

For each loader the number of loads that met the neighbour and of those that did not is printed;
an interrupt ends its race and prints what was so far. A load that gives out anything but what was
signed ends the run with an error.
"""

import argparse
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from support.raced_libraries import WHOLE
from support.raced_models import HELD, MODELS, Raced
from support.races import Outcome, quick_loads, race

_ATTEMPTS = 10_000
_SEED = 20311


def main() -> int:
    """Race the loaders that are asked for, or all that are installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loaders", nargs="*", metavar="LOADER", help="by default all")
    parser.add_argument("--attempts", type=int, default=_ATTEMPTS)
    parser.add_argument("--seed", type=int, default=_SEED)
    options = parser.parse_args()
    known = {each.name: each for each in (*MODELS, *HELD, *WHOLE)}
    unknown = sorted(set(options.loaders) - known.keys())
    if unknown:
        parser.error(f"no such loader: {', '.join(unknown)}; there are {', '.join(known)}")
    with quick_loads():
        for name in options.loaders or known:
            line = run(known[name], attempts=options.attempts, seed=options.seed)
            print(line, flush=True)  # noqa: T201  a program by itself
    return 0


def run(raced: Raced, *, attempts: int, seed: int) -> str:
    """Race one loader and return a line about it."""
    if raced.missing:
        return f"{raced.name:27} not installed: {', '.join(raced.missing)}"

    interrupted = threading.Event()
    signal.signal(signal.SIGINT, lambda _number, _frame: interrupted.set())

    def go_on(outcome: Outcome) -> bool:
        return not interrupted.is_set() and (outcome.attempts < attempts or not outcome.met)

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        outcome = race(raced, Path(place), seed=seed, go_on=go_on)
    seconds = time.monotonic() - start
    refused = outcome.attempts - outcome.loaded
    more = f", of which {outcome.later} refused something later" if outcome.later else ""
    more += f", {outcome.by_parts} by parts" if outcome.by_parts else ""
    return (
        f"{raced.name:27} {outcome.attempts:6} attempts: {outcome.loaded:6} loaded as signed{more}; "
        f"{refused:6} refused, 0 others; {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
