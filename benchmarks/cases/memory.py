"""Peak memory of sign, verify and check over sizes of the model: it should not grow."""

from benchmarks.measure import Contender, Figure, Result, alternate, run
from benchmarks.setting import (
    KIB,
    MIB,
    Setting,
    model,
    weighbridge_sign,
    weighbridge_verify,
)


def measure(setting: Setting) -> Result:
    """Measure."""
    result = Result(case="memory", title="peak resident memory")
    for size in setting.sizes.memory_bytes:
        _measure_one(setting, result, sizes=(size,), label=f"{size // MIB} MiB")
    count = setting.sizes.small_files
    _measure_one(setting, result, sizes=(KIB,) * count, label=f"{count} files")
    return result


def _measure_one(setting: Setting, result: Result, *, sizes: tuple[int, ...], label: str) -> None:
    with model(setting, sizes=sizes, suffix="safetensors") as root:
        beside = root / "model.sig"
        sign_beside = Contender(
            name="sign",
            command=(
                *(str(setting.weighbridge), "sign", "key", str(root)),
                *("--private-key", str(setting.private_key)),
            ),
            before=lambda: beside.unlink(missing_ok=True),
        )
        contenders = [
            weighbridge_sign(setting, root),
            weighbridge_verify(setting, root),
            Contender(
                name="weighbridge check",
                command=(
                    *(str(setting.weighbridge), "check", str(root)),
                    *("--policy", str(setting.policy)),
                ),
            ),
        ]
        names = ("sign", "verify", "check")
        run(contenders[0])
        run(contenders[1])
        run(sign_beside)
        # check finds its signature in the model; the other two must not see it as a model file.
        samples = alternate(contenders, rounds=min(setting.sizes.rounds, 3))
    for name, contender in zip(names, contenders, strict=True):
        taken = samples[contender.name]
        result.samples[f"{name}, {label}"] = taken
        result.figures.append(
            Figure(
                what=f"{name}, {label}",
                value=max(sample.peak for sample in taken) / MIB,
                unit="MiB",
                aim="< 150",
            )
        )
