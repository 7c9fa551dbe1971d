"""Programs under the guard: a workplace with a signed model, its bad twins, and what became of them."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from support.markers import marking_pickle
from support.signed_model import SignedModel, make_signed_model, safetensors_file

FORMATS = ("safetensors", "pickle", "json", "npy", "npz", "text")
VALUE = {"low": [0.25, 0.5], "names": ("a", "b")}

PRELUDE = """
import json, os, sys
from pathlib import Path
PLACE = Path({place!r})
MODEL = PLACE / "model"
BAD = PLACE / "bad"
OUT = {{}}

def attempt(name, function, *arguments):
    try:
        result = function(*arguments)
    except PermissionError as error:
        OUT[name] = "denied: " + str(error)
    except BaseException as error:
        OUT[name] = f"failed: {{type(error).__name__}}: {{error}}"
    else:
        OUT[name] = "loaded: " + repr(result)
"""
END = """
if OUT:
    print("RESULT" + json.dumps(OUT))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """
    A directory with what the guard is tried on.

    `model/` is signed; `bad/unsigned.*` are copies of its files, `bad/evil.pkl` would make `marker`.
    """

    place: Path
    signed: SignedModel

    @property
    def policy(self) -> Path:
        """The policy that allows the signed model and nothing else."""
        return self.place / "weighbridge.toml"

    @property
    def marker(self) -> Path:
        """What is there if anything of a bad file was executed."""
        return self.place / "marker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a guarded program said, by attempt, and how it ended."""

    results: Mapping[str, str]
    code: int
    out: str
    err: str


def make_guard_workplace(place: Path) -> Workplace:
    """Make a workplace in *place*."""
    scratch = place / "scratch"
    scratch.mkdir()
    np.save(scratch / "a.npy", np.arange(6.0))
    np.savez(scratch / "a.npz", x=np.arange(3.0))
    objects = np.array([1, "two", None], dtype=object)
    np.save(scratch / "objects.npy", objects, allow_pickle=True)
    files = {path.name: path.read_bytes() for path in scratch.iterdir()}
    files |= {
        "m.safetensors": safetensors_file(a=[1.0, 2.0]),
        "m.pkl": pickle.dumps(VALUE),
        "m.dat": pickle.dumps(VALUE),
        "old.pkl": pickle.dumps(VALUE, 0),
        "config.json": b"{}",
    }
    signed = make_signed_model(place, files, formats=FORMATS)
    bad = place / "bad"
    bad.mkdir()
    for name, data in files.items():
        (bad / f"unsigned-{name}").write_bytes(data)
    evil = marking_pickle(place / "marker")
    (bad / "evil.pkl").write_bytes(evil)
    (bad / "evil").write_bytes(evil)
    (bad / "evil.hex").write_text(evil.hex())
    (bad / "link.txt").symlink_to(bad / "evil.pkl")
    return Workplace(place=place, signed=signed)


def run_guarded(
    workplace: Workplace,
    script: str,
    *options: str,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """
    Run *script* under `weighbridge exec`; `attempt(NAME, FUNCTION, ...)` in it records an outcome.

    Args:
        workplace: What is tried.
        script: Lines of Python; `MODEL` and `BAD` are directories.
        options: Of `weighbridge exec`.
        python: The interpreter that runs it.
        environment: Variables besides those of this process.
    """
    program = workplace.place / "program.py"
    program.write_text(PRELUDE.format(place=os.fspath(workplace.place)) + script + END)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "weighbridge", "exec", "--policy", str(workplace.policy)),
            *(*options, "--", python, str(program)),
        ],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=guard_environment(workplace) | dict(environment or {}),
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    results = json.loads(lines[-1].removeprefix("RESULT")) if lines else {}
    return Outcome(results=results, code=done.returncode, out=done.stdout, err=done.stderr)


def guard_environment(workplace: Workplace) -> dict[str, str]:
    """Return the environment in which guarded programs are tried."""
    return os.environ | {"XDG_CACHE_HOME": str(workplace.place / "cache")}
