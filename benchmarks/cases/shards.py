"""One large file in shards mode on one processor, two, and so on: does it scale?"""

from dataclasses import replace

from benchmarks.measure import Result, alternate, ratio
from benchmarks.setting import MIB, Setting, model, raw_hash, weighbridge_sign


def measure(setting: Setting) -> Result:
    """Measure; processors are taken away by affinity, so nothing in the command can mislead."""
    sizes = setting.sizes
    result = Result(
        case="shards",
        title=(
            f"one file of {sizes.shard_file_bytes // MIB} MiB in shards of "
            f"{sizes.shard_bytes // MIB} MiB, sha256"
        ),
    )
    counts = range(1, len(setting.cpus) + 1)
    with model(setting, sizes=(sizes.shard_file_bytes,), suffix="safetensors") as root:
        contenders = []
        for count in counts:
            cpus = frozenset(setting.cpus[:count])
            sign = weighbridge_sign(setting, root, shard_bytes=sizes.shard_bytes)
            raw = raw_hash(setting, root, workers=count)
            contenders += [
                replace(sign, name=f"weighbridge sign, {count} cpu", cpus=cpus),
                replace(raw, name=f"raw sha256, {count} cpu", cpus=cpus),
            ]
        result.samples = alternate(contenders, rounds=sizes.rounds)
    taken = result.samples
    for count in counts:
        if count > 1:
            for name in ("weighbridge sign", "raw sha256"):
                result.ratios.append(
                    ratio(
                        f"{name}: 1 cpu / {count} cpus",
                        over=taken[f"{name}, 1 cpu"],
                        under=taken[f"{name}, {count} cpu"],
                        aim=f"~ {count}.00" if name.startswith("weighbridge") else "",
                    )
                )
        result.ratios.append(
            ratio(
                f"sign / raw sha256, {count} cpu",
                over=taken[f"weighbridge sign, {count} cpu"],
                under=taken[f"raw sha256, {count} cpu"],
            )
        )
    return result
