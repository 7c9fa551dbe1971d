"""Very many small files: what is paid per file."""

from benchmarks.measure import Figure, Result, alternate, median, ratio
from benchmarks.setting import (
    KIB,
    Setting,
    model,
    raw_hash,
    reference_pair,
    weighbridge_sign,
    weighbridge_verify,
)


def measure(setting: Setting) -> Result:
    """Measure; raw hashing uses one thread, since the interpreter's lock makes more no faster."""
    count = setting.sizes.small_files
    result = Result(case="small", title=f"{count} files of 1 KiB")
    with model(setting, sizes=(KIB,) * count, suffix="txt") as root:
        result.samples = alternate(
            [
                raw_hash(setting, root, workers=1),
                weighbridge_sign(setting, root),
                weighbridge_verify(setting, root),
                *reference_pair(setting, root),
            ],
            rounds=setting.sizes.rounds,
        )
    taken = result.samples
    for verb in ("sign", "verify"):
        mine = taken[f"weighbridge {verb} sha256"]
        aim = "<= 1.5" if verb == "sign" else ""
        seconds = median(mine, lambda sample: sample.wall)
        result.figures.append(Figure(what=verb, value=seconds, unit="s", aim=aim))
        result.ratios.append(ratio(f"{verb} / raw sha256", over=mine, under=taken["raw sha256"]))
        reference = taken.get(f"reference {verb} sha256")
        if reference is None:
            result.skipped.append(f"reference {verb}: not installed (make oracles)")
            continue
        result.ratios.append(ratio(f"reference {verb} / {verb}", over=reference, under=mine))
    return result
