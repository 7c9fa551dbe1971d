"""What the guard costs a program: its start, an opening of a file, and a training step."""

import os
import sys
from typing import Final

from benchmarks.measure import Contender, Figure, Result, alternate, median, ratio
from benchmarks.setting import PROGRAMS, Setting
from weighbridge.load.guard.children import ORDER_VARIABLE, PATH_VARIABLE
from weighbridge.pipeline.guard.command import guarded_environment, make_order

_STEPS: Final = 400
_OPENINGS: Final = 20_000


def measure(setting: Setting) -> Result:
    """Measure whole processes with the start-up hook and without."""
    result = Result(case="guard", title="a program with the guard beside the same without")
    python = str(setting.torch_python or sys.executable)
    quick = setting.sizes.start_rounds < 10
    openings = (
        f"import os, time; n = {100 if quick else _OPENINGS}; t = time.perf_counter()\n"
        "for _ in range(n): open(os.devnull, 'rb').close()\n"
        "print((time.perf_counter() - t) / n)"
    )
    programs = {
        "start": (sys.executable, "-c", "pass"),
        "openings": (sys.executable, "-c", openings),
        "step": (python, str(PROGRAMS / "train_steps.py"), str(3 if quick else _STEPS)),
    }
    rounds = {"start": 3 * setting.sizes.start_rounds, "openings": setting.sizes.rounds}
    for name, command in programs.items():
        contenders = [
            Contender(name=f"{name}, bare", command=("env", *command)),
            Contender(name=f"{name}, guarded", command=("env", *_variables(setting), *command)),
        ]
        taken = alternate(contenders, rounds=rounds.get(name, setting.sizes.start_rounds))
        result.samples |= taken
        bare, guarded = taken[f"{name}, bare"], taken[f"{name}, guarded"]
        if name == "start":
            for label, of in (("processor", lambda s: s.cpu), ("wall", lambda s: s.wall)):
                more = (median(guarded, of) - median(bare, of)) * 1000
                figure = Figure(what=f"start, {label} time more", value=more, unit="ms", aim="< 5")
                result.figures.append(figure)
            continue
        for label, samples in (("bare", bare), ("guarded", guarded)):
            value = median(samples, lambda sample: float(sample.output)) * 1e6
            result.figures.append(Figure(what=f"{name}, {label}", value=value, unit="us"))
        result.ratios.append(
            ratio(
                f"{name}: guarded / bare",
                over=guarded,
                under=bare,
                of=lambda sample: float(sample.output),
                aim="<= 1.01" if name == "step" else "",
            )
        )
    return result


def _variables(setting: Setting) -> tuple[str, ...]:
    """Return what `weighbridge exec` would add to the environment, for `env`."""
    environment = guarded_environment(make_order(setting.policy), os.environ)
    return tuple(f"{name}={environment[name]}" for name in (ORDER_VARIABLE, PATH_VARIABLE))
