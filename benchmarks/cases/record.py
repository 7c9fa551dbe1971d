"""What `weighbridge record` costs a step, besides hashing: a step that opens many small files."""

import shutil
import sys
from functools import partial
from typing import Final

from benchmarks.measure import Contender, Figure, Result, alternate, median, ratio
from benchmarks.setting import PROGRAMS, Setting

_ROUNDS: Final = 10_000
_OPENINGS: Final = 1
_FILES: Final = 100

AIM: Final = "<= 1.03"


def measure(setting: Setting) -> Result:
    """Measure the same step bare, recorded, and recorded in isolation."""
    quick = setting.sizes.start_rounds < 10
    rounds = 5 if quick else _ROUNDS
    title = f"a step that opens {rounds * _OPENINGS} files, recorded beside the same bare"
    result = Result(case="record", title=title)
    source, output = setting.directory / "step-data", setting.directory / "step-output"
    source.mkdir()
    for number in range(_FILES):
        (source / f"{number:03}").write_bytes(bytes(1024))
    step = (
        *(sys.executable, str(PROGRAMS / "recorded_step.py")),
        *(str(rounds), str(_OPENINGS), str(source), str(output)),
    )
    record = (
        *(str(setting.weighbridge), "record", "--quiet", "--output", str(output)),
        *("--input", str(source), "--private-key", str(setting.private_key)),
    )
    isolated = (*record, "--isolated", "--allow-read", str(PROGRAMS), "--", *step)
    fresh = partial(shutil.rmtree, output, ignore_errors=True)
    contenders = [
        Contender(name="bare", command=step, before=fresh),
        Contender(name="recorded", command=(*record, "--", *step), before=fresh),
        Contender(name="isolated", command=isolated, before=fresh),
    ]
    try:
        result.samples = alternate(contenders, rounds=1 if quick else 3)
    finally:
        shutil.rmtree(source)
        shutil.rmtree(output, ignore_errors=True)
    bare = result.samples["bare"]
    for name in ("recorded", "isolated"):
        taken = result.samples[name]
        result.ratios.append(ratio(f"{name} / bare", over=taken, under=bare, aim=AIM))
        more = median(taken, lambda s: s.wall) - median(bare, lambda s: s.wall)
        result.figures.append(Figure(what=f"{name}, wall time more", value=more, unit="s"))
    result.figures.append(Figure(what="bare", value=median(bare, lambda s: s.wall), unit="s"))
    return result
