"""Loading through the gate against reading that checks nothing."""

import json
import statistics

from benchmarks.measure import Contender, Figure, Result, Sample, alternate, ratio, run
from benchmarks.setting import MIB, Setting, model, raw_hash, weighbridge_beside


def measure(setting: Setting) -> Result:
    """Measure; each way is a process that reads, touches every page, and reports itself."""
    size = setting.sizes.load_bytes
    result = Result(case="load", title=f"loading {size // MIB} MiB of safetensors")
    with model(setting, sizes=(size,), suffix="safetensors") as root:
        sign, *_ = weighbridge_beside(setting, root)
        run(sign)
        ways = [
            Contender(
                name=how,
                command=setting.program("read_tensors", how, str(root), str(setting.policy)),
            )
            for how in ("weighbridge", "safetensors", "plain")
        ]
        result.samples = alternate(
            [*ways, raw_hash(setting, root, workers=1)], rounds=setting.sizes.rounds
        )
    taken = result.samples
    hashed = [
        Sample(wall=a.wall + b.wall, cpu=a.cpu + b.cpu, peak=max(a.peak, b.peak))
        for a, b in zip(taken["raw sha256"], taken["plain"], strict=True)
    ]
    for name, under in (
        ("safetensors", taken["safetensors"]),
        ("plain reading", taken["plain"]),
        ("hashing, then plain reading", hashed),
    ):
        result.ratios.append(
            ratio(f"checked load / {name}", over=taken["weighbridge"], under=under)
        )
    for way in ways:
        reports = [json.loads(sample.output) for sample in taken[way.name]]
        held = statistics.median(report["held"] for report in reports) / size
        aim = "~ 1.00" if way.name == "weighbridge" else ""
        result.figures.append(
            Figure(what=f"{way.name}: memory held", value=held, unit="x model", aim=aim)
        )
        peak = max(report["peak"] for report in reports) / size
        result.figures.append(Figure(what=f"{way.name}: memory peak", value=peak, unit="x model"))
    return result
