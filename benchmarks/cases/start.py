"""What the command costs before it does anything: processor time of `--help`."""

import sys

from benchmarks.measure import Contender, Figure, Result, alternate, median, ratio
from benchmarks.setting import Setting


def measure(setting: Setting) -> Result:
    """Measure; a bare interpreter is the floor."""
    result = Result(case="start", title="processor time of --help, after the first run")
    contenders = [
        Contender(name="python -c pass", command=(sys.executable, "-c", "pass")),
        Contender(name="weighbridge --help", command=(str(setting.weighbridge), "--help")),
    ]
    if setting.reference is None:
        result.skipped.append("reference --help: not installed (make oracles)")
    else:
        contenders.append(
            Contender(name="reference --help", command=(str(setting.reference), "--help"))
        )
    result.samples = alternate(contenders, rounds=setting.sizes.start_rounds)
    for name, samples in result.samples.items():
        result.figures.append(
            Figure(
                what=name,
                value=median(samples, lambda sample: sample.cpu) * 1000,
                unit="ms",
                aim="< 100" if name == "weighbridge --help" else "",
            )
        )
    if setting.reference is not None:
        result.ratios.append(
            ratio(
                "reference --help / --help",
                over=result.samples["reference --help"],
                under=result.samples["weighbridge --help"],
                of=lambda sample: sample.cpu,
            )
        )
    return result
