"""
Measure weighbridge: `python -m benchmarks [--quick] [--only CASE]... [--rounds N]`.

Every number comes from whole processes in alternating runs, after one unmeasured run of each;
ratios are medians of pairs, with the smallest and the largest pair. Linux only.
"""

import argparse
import compileall
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import weighbridge
from benchmarks.cases import (
    convert,
    guard,
    large,
    load,
    memory,
    record,
    relay,
    run,
    scan,
    shards,
    small,
    start,
)
from benchmarks.measure import BenchmarkError, Result
from benchmarks.report import as_json, table
from benchmarks.setting import FULL, QUICK, Setting, prepared

ROOT: Final = Path(__file__).parent.parent
CASES: Final[dict[str, Callable[[Setting], Result]]] = {
    "start": start.measure,
    "large": large.measure,
    "small": small.measure,
    "shards": shards.measure,
    "memory": memory.measure,
    "load": load.measure,
    "scan": scan.measure,
    "guard": guard.measure,
    "convert": convert.measure,
    "record": record.measure,
    "run": run.measure,
    "relay": relay.measure,
}


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    described = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    described.add_argument("--quick", action="store_true", help="tiny sizes: a smoke test")
    described.add_argument("--only", action="append", choices=sorted(CASES), help="run this case")
    described.add_argument(
        "--rounds",
        type=int,
        choices=range(1, 101),
        metavar="N",
        help=f"how often large ones are run, {FULL.rounds} times unless said: more where others "
        "use the machine",
    )
    described.add_argument(
        "--output",
        type=Path,
        default=ROOT / "benchmarks" / "results" / "latest.json",
        help="where the JSON goes",
    )
    described.add_argument(
        "--reference",
        type=Path,
        default=ROOT / ".oracles" / "model-signing" / "bin" / "model_signing",
        help="the reference implementation's command (make oracles installs it)",
    )
    described.add_argument(
        "--torch",
        type=Path,
        default=ROOT / ".venv-torch" / "bin" / "python",
        help="an interpreter with PyTorch and safetensors (make test-torch installs one)",
    )
    described.add_argument("--place", type=Path, help="where the temporary data goes")
    return described


def main() -> int:
    """Measure what the arguments name; 0 when everything could be measured."""
    arguments = parser().parse_args()
    sizes = QUICK if arguments.quick else FULL
    if arguments.rounds is not None:
        sizes = replace(sizes, rounds=arguments.rounds)
    # End like an interrupt, so that gigabytes of data do not stay behind.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    # As an installation is: compiled, whatever the environment says about writing bytecode.
    compileall.compile_dir(Path(weighbridge.__file__).parent, quiet=1)
    try:
        with prepared(
            sizes=sizes,
            reference=arguments.reference,
            torch_python=arguments.torch,
            place=arguments.place,
        ) as setting:
            results = []
            for name in arguments.only or CASES:
                sys.stderr.write(f"measuring {name} ...\n")
                results.append(CASES[name](setting))
                print(table(results[-1:]), end="\n\n", flush=True)
    except BenchmarkError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(as_json(results, quick=arguments.quick) + "\n")
    sys.stderr.write(f"written: {arguments.output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
