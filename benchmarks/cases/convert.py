"""Converting a sharded checkpoint against a plain copy of its bytes, and its memory."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.measure import BenchmarkError, Contender, Figure, Result, alternate, ratio
from benchmarks.setting import GIB, MIB, Setting

_SHARDS: Final = 4
_TENSORS: Final = 8
"""In a shard; of the full size 64 MiB each."""

_MARGIN_BYTES: Final = 1 * GIB

AIM: Final = "<= 1.5"
PEAK_AIM: Final = "< 150"
"""MiB: the largest tensor, and what a process takes anyway."""


def measure(setting: Setting) -> Result:
    """Measure; each result is removed before the next run."""
    size = setting.sizes.convert_bytes
    largest = size // _SHARDS // _TENSORS
    title = f"converting {size // MIB} MiB in {_SHARDS} shards, tensors of {largest // MIB} MiB"
    result = Result(case="convert", title=title)
    free = shutil.disk_usage(setting.directory).free
    if free < 2 * size + _MARGIN_BYTES:
        raise BenchmarkError(f"expected {2 * size + _MARGIN_BYTES} bytes of free space")
    with _checkpoint(setting, size) as source:
        made = setting.directory / "converted"
        ways = [
            _fresh(made, "copy", ("cp", "-r", str(source), str(made))),
            _convert(setting, source, made, "convert"),
            _convert(setting, source, made, "convert, signed", signed=True),
        ]
        result.samples = alternate(ways, rounds=setting.sizes.rounds)
        shutil.rmtree(made)
    with _checkpoint(setting, size, "turned") as source:
        turned = _convert(setting, source, made, "convert transposed")
        result.samples |= alternate([turned], rounds=1)
        shutil.rmtree(made)
    taken = result.samples
    for name, aim in (("convert", AIM), ("convert, signed", "")):
        result.ratios.append(
            ratio(f"{name} / copy", over=taken[name], under=taken["copy"], aim=aim)
        )
    for name, samples in taken.items():
        if name != "copy":
            peak = max(sample.peak for sample in samples) / MIB
            result.figures.append(
                Figure(what=f"{name}, peak", value=peak, unit="MiB", aim=PEAK_AIM)
            )
        fastest = min(sample.wall for sample in samples)
        result.figures.append(Figure(what=f"{name}, fastest", value=fastest, unit="s"))
    return result


@contextmanager
def _checkpoint(setting: Setting, size: int, *how: str) -> Iterator[Path]:
    """Make a sharded checkpoint in a process of its own, and remove it afterwards."""
    place = setting.directory / "checkpoint"
    sizes = (str(size), str(_SHARDS), str(_TENSORS))
    try:
        subprocess.run(setting.program("make_checkpoint", str(place), *sizes, *how), check=True)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _convert(
    setting: Setting, source: Path, made: Path, name: str, *, signed: bool = False
) -> Contender:
    command = [str(setting.weighbridge), "convert", str(source), str(made), "--to", "safetensors"]
    if signed:
        command += ["--private-key", str(setting.private_key)]
    return _fresh(made, name, (*command, "--quiet"))


def _fresh(made: Path, name: str, command: tuple[str, ...]) -> Contender:
    return Contender(
        name=name, command=command, before=lambda: shutil.rmtree(made, ignore_errors=True)
    )
