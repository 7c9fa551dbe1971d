"""
Fuzzes what reads foreign bytes, with coverage to guide it: `make fuzz`, `make fuzz-signatures`.

    PYTHONPATH=src:tests python -m fuzz.guided [--format FORMAT]... [--seconds N]
    PYTHONPATH=src:tests python -m fuzz.guided --signatures [--format TARGET]... [--seconds N]

The first is for the analyzers of the scanner, the second for the readers of signatures. One process
for each format or target. What makes one fail is written to the folder `--keep`.
"""

import argparse
import importlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

_PROGRESS: Final = re.compile(r"^#(\d+)\s.*?cov: (\d+)", re.MULTILINE)


def run_here(name: str, folder: Path, seconds: int, keep: Path, *, signatures: bool) -> None:
    """Fuzz one format or target in this process; libFuzzer ends it."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["weighbridge"]):
        fuzzed = importlib.import_module(_module(signatures=signatures))
    # Signatures are by keys that each process makes anew, so the seeds are this process's own.
    pool = {str(kind): each for kind, each in fuzzed.seeds().items()}[name]
    for number, data in enumerate(pool):
        (folder / str(number)).write_bytes(data)
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-artifact_prefix={keep}/{name}-",
        "-timeout=120",  # of the wall clock: a busy machine stops a quick input for longer than it takes
        "-rss_limit_mb=2048",
        "-max_len=65536",
        str(folder),
    ]
    atheris.Setup(arguments, lambda data: _check(fuzzed, name, data))
    atheris.Fuzz()


def _module(*, signatures: bool) -> str:
    return "fuzz.signatures" if signatures else "fuzz.parsers"


def _check(fuzzed: Any, name: str, data: bytes) -> None:
    """Give *data* to *name*; libFuzzer wants no result."""
    fuzzed.check(name, data)


def main() -> int:
    """Fuzz every format or target in turn; 1 when one failed."""
    described = argparse.ArgumentParser(prog="python -m fuzz.guided", description=__doc__)
    described.add_argument("--format", action="append", metavar="NAME")
    described.add_argument("--signatures", action="store_true")
    described.add_argument("--seconds", type=int, default=60, help="for each")
    described.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    described.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    arguments = described.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    if arguments.here is not None:
        run_here(
            arguments.format[0],
            arguments.here,
            arguments.seconds,
            arguments.keep,
            signatures=arguments.signatures,
        )
        return 0
    # Not imported above: what is imported before the instrumentation is not covered by it.
    kinds = importlib.import_module(_module(signatures=arguments.signatures)).seeds()
    failed = 0
    for kind in kinds:
        if arguments.format and str(kind) not in arguments.format:
            continue
        with tempfile.TemporaryDirectory() as name:
            command = [sys.executable, "-m", "fuzz.guided", "--format", str(kind), "--here", name]
            command += ["--seconds", str(arguments.seconds), "--keep", str(arguments.keep)]
            command += ["--signatures"] if arguments.signatures else []
            done = subprocess.run(
                command, env=os.environ, stderr=subprocess.PIPE, text=True, check=False
            )
        steps = _PROGRESS.findall(done.stderr)
        runs, covered = steps[-1] if steps else ("0", "0")
        failed += done.returncode != 0
        outcome = "ok" if not done.returncode else "FAILED\n" + done.stderr[-3000:]
        print(f"{kind}: {runs} inputs, {covered} edges, {outcome}", flush=True)  # noqa: T201  the result
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
