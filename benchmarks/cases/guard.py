"""
What the guard costs a program: its start, an opening of a file, an import, and a training step.

Runs with the guard and without take turns. What counts is the quickest of each, since nothing makes
a run quicker than it is; the pairs beside it say how much the machine was disturbed.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.measure import (
    Contender,
    Figure,
    Result,
    Sample,
    alternate,
    least,
    median,
    ratio,
)
from benchmarks.setting import PROGRAMS, Setting
from weighbridge.load.guard.children import ORDER_VARIABLE, PATH_VARIABLE
from weighbridge.pipeline.guard.command import guarded_environment, make_order

_STEPS: Final = 400
_OPENINGS: Final = 20_000
_MODULES: Final = 200
_OPENING: Final = """
import os, time
begun = time.perf_counter()
for _ in range({count}): open(os.devnull, "rb").close()
print((time.perf_counter() - begun) / {count})
"""
_IMPORTING: Final = """
import sys, time
sys.path.insert(0, {place!r})
begun = time.perf_counter()
for number in range({count}): __import__(f"module{{number}}")
print((time.perf_counter() - begun) / {count})
"""


def measure(setting: Setting) -> Result:
    """Measure whole processes with the start-up hook and without, in turn."""
    result = Result(case="guard", title="a program with the guard beside the same without")
    python = str(setting.torch_python or sys.executable)
    quick = setting.sizes.start_rounds < 10
    modules = setting.directory / "modules"
    _write_modules(modules)
    openings = _OPENING.format(count=100 if quick else _OPENINGS)
    imports = _IMPORTING.format(place=str(modules), count=_MODULES)
    programs = {
        "start": (sys.executable, "-c", "pass"),
        "opening": (sys.executable, "-c", openings),
        "import": (sys.executable, "-B", "-c", imports),
        "step": (python, str(PROGRAMS / "train_steps.py"), str(3 if quick else _STEPS)),
    }
    rounds = {"start": 3 * setting.sizes.start_rounds, "step": setting.sizes.rounds}
    for name, command in programs.items():
        contenders = [
            Contender(name=f"{name}, bare", command=("env", *command)),
            Contender(name=f"{name}, guarded", command=("env", *_variables(setting), *command)),
        ]
        taken = alternate(contenders, rounds=rounds.get(name, 2 * setting.sizes.rounds))
        result.samples |= taken
        bare, guarded = taken[f"{name}, bare"], taken[f"{name}, guarded"]
        if name == "start":
            _tell_start(result, bare, guarded)
        else:
            _tell_ratio(result, name, bare, guarded)
    return result


def _tell_start(result: Result, bare: Sequence[Sample], guarded: Sequence[Sample]) -> None:
    """Add what the start of Python takes more: of the quickest runs, and in the middle."""
    for label, of in (("processor", lambda s: s.cpu), ("wall", lambda s: s.wall)):
        for which, pick in (("least", least), ("median", median)):
            result.figures.append(
                Figure(
                    what=f"start, {label} time more, {which}",
                    value=(pick(guarded, of) - pick(bare, of)) * 1000,
                    unit="ms",
                    aim="< 5",
                )
            )


def _tell_ratio(
    result: Result, name: str, bare: Sequence[Sample], guarded: Sequence[Sample]
) -> None:
    """Add what a program says that one thing took, with the guard and without."""
    aim = "<= 1.01" if name == "step" else ""
    taken = [least(samples, _said) * 1e6 for samples in (bare, guarded)]
    for label, value in zip(("bare", "guarded"), taken, strict=True):
        result.figures.append(Figure(what=f"{name}, {label}, least", value=value, unit="us"))
    quickest = Figure(
        what=f"{name}, guarded / bare, least", value=taken[1] / taken[0], unit="", aim=aim
    )
    result.figures.append(quickest)
    result.ratios.append(
        ratio(f"{name}: guarded / bare", over=guarded, under=bare, of=_said, aim=aim)
    )


def _said(sample: Sample) -> float:
    """Return the seconds that a program printed."""
    return float(sample.output)


def _write_modules(place: Path) -> None:
    """Write modules of a program's own, which the guard has a look at when they are imported."""
    place.mkdir(exist_ok=True)
    for number in range(_MODULES):
        (place / f"module{number}.py").write_text(f"NUMBER = {number}\n")


def _variables(setting: Setting) -> tuple[str, ...]:
    """Return what `weighbridge exec` would add to the environment, for `env`."""
    environment = guarded_environment(make_order(setting.policy), os.environ)
    return tuple(f"{name}={environment[name]}" for name in (ORDER_VARIABLE, PATH_VARIABLE))
