"""Virtual environments for the other scanners and for the victims, made once below `.scanners/`."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure import BenchmarkError
from benchmarks.scan.peers import PEERS

VICTIMS: Final = "numpy pandas scipy scikit-learn joblib torch dill cloudpickle lz4 zstandard py7zr onnx h5py keras tensorflow-cpu pyyaml jsonpickle sympy setuptools"
"""What samples are written with and loaded by; the newest versions, as a victim would have them."""

FRAMEWORKS: Final = f"{VICTIMS} pyarrow xgboost lightgbm catboost"
"""What makes files that have to pass."""

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter with some packages."""

    python: Path

    def run(self, *arguments: str, lines: list[str] | None = None, alone: bool = False) -> str:
        """
        Run a module of ours there and return what it prints.

        Args:
            arguments: For the interpreter.
            lines: Standard input.
            alone: Without a network, where the system allows that.

        Raises:
            BenchmarkError: It fails.
        """
        prefix = ["unshare", "--net"] if alone and os.geteuid() == 0 else []
        done = subprocess.run(
            [*prefix, str(self.python), "-B", *arguments],
            cwd=ROOT,
            input="\n".join(lines or []),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchmarkError(
                f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr[-2000:]}"
            )
        return done.stdout

    def versions(self, *names: str) -> dict[str, str]:
        """Return the versions of packages that are installed there."""
        code = (
            "import sys, json\nfrom importlib.metadata import version, PackageNotFoundError\nfound = {}\n"
            "for name in sys.argv[1:]:\n    try: found[name] = version(name)\n    except PackageNotFoundError: pass\nprint(json.dumps(found))"
        )
        import json  # noqa: PLC0415  only here

        found: dict[str, str] = json.loads(self.run("-c", code, *names))
        return found


def victims(folder: Path) -> Environment:
    """Return the environment of the victims."""
    return _made(folder / "victims", VICTIMS.split())


def frameworks(folder: Path) -> Environment:
    """Return the environment in which frameworks save what they have."""
    return _made(folder / "frameworks", FRAMEWORKS.split())


def peer(folder: Path, name: str) -> Environment:
    """Return the environment of a peer; variants of one scanner share theirs."""
    return _made(folder / name.partition(" ")[0], PEERS[name].requirement.split())


def _made(place: Path, packages: list[str]) -> Environment:
    """Make the environment at *place* unless it is there."""
    python = place / "bin" / "python"
    stamp = place / ".stamp"
    if not stamp.exists():
        sys.stderr.write(f"making {place}\n")
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        stamp.write_text("\n".join(packages) + "\n")
    return Environment(python)
