"""Two large files, warm cache: sign and verify against raw hashing and the reference."""

import shutil

from benchmarks.measure import Contender, Result, alternate, ratio
from benchmarks.setting import (
    MIB,
    Setting,
    model,
    raw_hash,
    reference_pair,
    weighbridge_sign,
    weighbridge_verify,
)


def measure(setting: Setting) -> Result:
    """Measure."""
    size = setting.sizes.large_bytes
    result = Result(case="large", title=f"two files of {size // MIB} MiB, warm cache")
    with model(setting, sizes=(size, size), suffix="safetensors") as root:
        contenders = [
            raw_hash(setting, root),
            weighbridge_sign(setting, root),
            weighbridge_verify(setting, root),
            *reference_pair(setting, root),
            raw_hash(setting, root, algorithm="blake3"),
            weighbridge_sign(setting, root, algorithm="blake3"),
            weighbridge_verify(setting, root, algorithm="blake3"),
        ]
        for tool in ("sha256sum", "b3sum"):
            program = shutil.which(tool)
            if program is None:
                result.skipped.append(f"{tool}: not installed")
                continue
            files = sorted(str(path) for path in root.iterdir())
            contenders.append(Contender(name=tool, command=(program, *files)))
        result.samples = alternate(contenders, rounds=setting.sizes.rounds)
    _compare(result)
    return result


def _compare(result: Result) -> None:
    taken = result.samples
    for algorithm in ("sha256", "blake3"):
        for verb in ("sign", "verify"):
            result.ratios.append(
                ratio(
                    f"{verb} {algorithm} / raw parallel {algorithm}",
                    over=taken[f"weighbridge {verb} {algorithm}"],
                    under=taken[f"raw {algorithm}"],
                    aim="<= 1.10" if algorithm == "sha256" else "",
                )
            )
    for verb in ("sign", "verify"):
        result.ratios.append(
            ratio(
                f"{verb}: sha256 / blake3",
                over=taken[f"weighbridge {verb} sha256"],
                under=taken[f"weighbridge {verb} blake3"],
                aim=">= 2.00",
            )
        )
        reference = taken.get(f"reference {verb} sha256")
        if reference is None:
            result.skipped.append(f"reference {verb}: not installed (make oracles)")
            continue
        mine = taken[f"weighbridge {verb} sha256"]
        result.ratios.append(ratio(f"reference {verb} / {verb}", over=reference, under=mine))
    for tool, algorithm in (("sha256sum", "sha256"), ("b3sum", "blake3")):
        if tool in taken:
            mine = taken[f"weighbridge sign {algorithm}"]
            result.ratios.append(ratio(f"{tool} / sign {algorithm}", over=taken[tool], under=mine))
