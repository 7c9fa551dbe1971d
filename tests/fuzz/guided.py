"""
Fuzzes the analyzers with coverage to guide it: `make fuzz`, or by itself where atheris is.

    PYTHONPATH=src:tests python -m fuzz.guided [--format FORMAT]... [--seconds N]

One process for each format. What makes an analyzer crash is written to the folder `--keep`.
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


def run_here(name: str, folder: Path, seconds: int, keep: Path) -> None:
    """Fuzz one format in this process; libFuzzer ends it."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["weighbridge"]):
        parsers = importlib.import_module("fuzz.parsers")
    from weighbridge.core.artifact import FileFormat  # noqa: PLC0415  after the instrumentation

    file_format = FileFormat(name)
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-artifact_prefix={keep}/{name}-",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-max_len=65536",
        str(folder),
    ]
    atheris.Setup(arguments, lambda data: parsers.check(file_format, data))
    atheris.Fuzz()


def main() -> int:
    """Fuzz every format in turn; 1 when one crashed."""
    described = argparse.ArgumentParser(prog="python -m fuzz.guided", description=__doc__)
    described.add_argument("--format", action="append", metavar="FORMAT")
    described.add_argument("--seconds", type=int, default=60, help="for each format")
    described.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    described.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    arguments = described.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    if arguments.here is not None:
        run_here(arguments.format[0], arguments.here, arguments.seconds, arguments.keep)
        return 0
    # Not imported above: what is imported before the instrumentation is not covered by it.
    pools = importlib.import_module("fuzz.parsers").seeds()
    failed = 0
    for kind, pool in pools.items():
        if arguments.format and str(kind) not in arguments.format:
            continue
        with tempfile.TemporaryDirectory() as name:
            for number, data in enumerate(pool):
                (Path(name) / str(number)).write_bytes(data)
            command = [sys.executable, "-m", "fuzz.guided", "--format", str(kind), "--here", name]
            command += ["--seconds", str(arguments.seconds), "--keep", str(arguments.keep)]
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
