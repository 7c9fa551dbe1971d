"""Peak memory of sign, verify and check over sizes of the model: it should not grow."""

from typing import Final

from benchmarks.measure import Figure, Result, alternate
from benchmarks.setting import KIB, MIB, Setting, add_tokenizer, model, weighbridge_beside

_ROUNDS: Final = 2


def measure(setting: Setting) -> Result:
    """Measure."""
    result = Result(case="memory", title="peak resident memory")
    count = setting.sizes.small_files
    words = setting.sizes.tokenizer_words
    for label, sizes in (
        *((f"{size // MIB} MiB", (size,)) for size in setting.sizes.memory_bytes),
        (f"{count} files", (KIB,) * count),
        (f"a tokenizer of {words} words", (KIB,)),
    ):
        with model(setting, sizes=sizes, suffix="safetensors") as root:
            if label.startswith("a tokenizer"):
                add_tokenizer(root, words=words)
            samples = alternate(weighbridge_beside(setting, root), rounds=_ROUNDS)
        for name, taken in samples.items():
            result.samples[f"{name}, {label}"] = taken
            peak = max(sample.peak for sample in taken) / MIB
            result.figures.append(
                Figure(what=f"{name}, {label}", value=peak, unit="MiB", aim="< 150")
            )
    return result
