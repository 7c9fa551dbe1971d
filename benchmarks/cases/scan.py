"""Scanning: many opcodes, many files, and large models of which only the ends matter."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.measure import Contender, Figure, Result, Sample, alternate, median, ratio
from benchmarks.setting import GIB, MIB, Setting

_AIMS: Final = {
    "opcodes": "< 0.5",
    "files": "< 1",
    "checkpoint": "< 0.3",
    "sharded": "< 0.2",
}
"""Seconds of processor time, but for `files` of the clock."""

_PEER_READS: Final = {"opcodes", "files", "checkpoint"}


def measure(setting: Setting) -> Result:
    """Measure the command beside picklescan, where that is installed (make oracles)."""
    sizes = setting.sizes
    titles = {
        "opcodes": f"a pickle of {sizes.scan_opcodes} opcodes",
        "files": f"{sizes.scan_files} pickles",
        "checkpoint": f"a checkpoint of {sizes.scan_checkpoint_bytes / GIB:.2g} GiB",
        "sharded": f"safetensors of {sizes.scan_sharded_bytes / GIB:.2g} GiB in ten files",
    }
    result = Result(case="scan", title="scanning models")
    if setting.picklescan is None:
        result.skipped.append("picklescan: not installed (make oracles)")
    with _models(setting) as folder:
        for name, title in titles.items():
            contenders = [_weighbridge(setting, folder / name)]
            if setting.picklescan is not None and name in _PEER_READS:
                contenders.append(_picklescan(setting.picklescan, folder / name))
            taken = alternate(contenders, rounds=sizes.rounds)
            _describe(result, name, title, taken)
    return result


def _describe(result: Result, name: str, title: str, taken: dict[str, list[Sample]]) -> None:
    mine = taken["weighbridge scan"]
    result.samples |= {f"{who}, {title}": samples for who, samples in taken.items()}
    result.figures += [
        Figure(
            what=f"{title}: processor time",
            value=median(mine, lambda sample: sample.cpu),
            unit="s",
            aim="" if name == "files" else _AIMS[name],
        ),
        Figure(
            what=f"{title}: time",
            value=median(mine, lambda sample: sample.wall),
            unit="s",
            aim=_AIMS[name] if name == "files" else "",
        ),
        Figure(
            what=f"{title}: peak memory",
            value=max(sample.peak for sample in mine) / MIB,
            unit="MiB",
            aim="< 100" if name == "checkpoint" else "",
        ),
    ]
    if "picklescan" in taken:
        result.ratios.append(
            ratio(
                f"{title}: picklescan / scan, processor time",
                over=taken["picklescan"],
                under=mine,
                of=lambda sample: sample.cpu,
            )
        )


def _weighbridge(setting: Setting, model: Path) -> Contender:
    return Contender(
        name="weighbridge scan", command=(str(setting.weighbridge), "scan", str(model), "--quiet")
    )


def _picklescan(program: Path, model: Path) -> Contender:
    return Contender(name="picklescan", command=(str(program), "--path", str(model)))


@contextmanager
def _models(setting: Setting) -> Iterator[Path]:
    """Make the models; remove them afterwards."""
    folder = setting.directory / "scanned"
    folder.mkdir()
    sizes = setting.sizes
    numbers = (
        sizes.scan_opcodes,
        sizes.scan_files,
        sizes.scan_checkpoint_bytes,
        sizes.scan_sharded_bytes,
    )
    try:
        program = setting.program("make_models", str(folder), *map(str, numbers))
        subprocess.run(program, check=True)
        yield folder
    finally:
        shutil.rmtree(folder)
