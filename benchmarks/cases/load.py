"""Loading through the gate against what it has to do at least: to read, and to hash."""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.measure import (
    Contender,
    Figure,
    Ratio,
    Result,
    Sample,
    alternate,
    median,
    ratio,
    run,
)
from benchmarks.setting import MIB, PROGRAMS, Setting, model, raw_hash, weighbridge_sign

ALGORITHMS: Final = {"sha256": "<= 1.15", "blake3": "<= 1.10"}
"""What files are signed with, and what a load of them may take over the larger of its parts."""

_FILES: Final = 4
_SETTLING_SECONDS: Final = 3
"""Stamps of files that changed less than two seconds ago are not trusted."""

_HALF: Final = "half of the tensors by parts"
_PEAK_AIM: Final = "<= 1.02"


def measure(setting: Setting) -> Result:
    """Measure; each way is a process that reads everything into memory, and reports itself."""
    size = setting.sizes.load_bytes
    result = Result(case="load", title=f"loading {size // MIB} MiB of safetensors in four files")
    with model(setting, sizes=(size // _FILES,) * _FILES, suffix="safetensors") as root:
        signatures = {each: _signed(setting, root, each) for each in ALGORITHMS}
        ways = [
            _reading(setting, root, "plain", "reading into huge pages"),
            _reading(setting, root, "bytes", "plain reading"),
        ]
        if setting.torch_python is None:
            result.skipped.append("the reference reader: no PyTorch (make test-torch, --torch)")
        else:
            ways.append(_reading(setting, root, "safetensors", "safetensors reading"))
        for algorithm, signature in signatures.items():
            hashing = raw_hash(setting, root, algorithm=algorithm)
            ways += [
                replace(hashing, before=lambda: _read_once(root)),
                _checked(setting, root, algorithm, signature),
            ]
        ways.append(_half(setting, root, signatures["sha256"]))
        result.samples = alternate(ways, rounds=setting.sizes.rounds)
        _check_again(setting, root, result)
    for algorithm, aim in ALGORITHMS.items():
        result.ratios += _ratios(result.samples, algorithm, aim=aim)
    result.ratios.append(
        ratio(
            "every other tensor by parts / checked load sha256",
            over=result.samples[_HALF],
            under=result.samples["checked load sha256"],
            of=_seconds,
        )
    )
    for way in ways:
        result.figures += _figures(way.name, result.samples[way.name], size)
    return result


def _check_again(setting: Setting, root: Path, result: Result) -> None:
    """Measure checks after the first one, by a rule that trusts stamps."""
    policy = setting.policy.with_name("stamps.toml")
    policy.write_text(setting.policy.read_text() + 'stamps = "trust"\n')
    place = setting.directory / "remembered"
    place.mkdir(mode=0o700)
    command = setting.program("check_again", str(root), str(policy), str(place))
    again = Contender(name="check again", command=command)
    time.sleep(_SETTLING_SECONDS)
    first = run(again)
    samples = [run(again) for _ in range(setting.sizes.start_rounds)]
    reports = [json.loads(sample.output) for sample in samples]
    if any(report["read"] for report in reports):
        result.skipped.append("checks of untouched files: just written, or not on a local disk")
        return
    result.samples[again.name] = samples
    result.figures += [
        Figure(what="first check", value=_seconds(first) * 1000, unit="ms"),
        Figure(
            what="check again", value=statistics.median(map(_seconds, samples)) * 1000, unit="ms"
        ),
        Figure(what="check again, with imports", value=median(samples, _wall) * 1000, unit="ms"),
    ]


def _wall(sample: Sample) -> float:
    return sample.wall


def _signed(setting: Setting, root: Path, algorithm: str) -> Path:
    run(weighbridge_sign(setting, root, algorithm=algorithm))
    return setting.signature(algorithm)


def _reading(setting: Setting, root: Path, how: str, name: str) -> Contender:
    python = setting.torch_python if how == "safetensors" else Path(sys.executable)
    command = (str(python), str(PROGRAMS / "read_tensors.py"), how, str(root), str(setting.policy))
    return Contender(name=name, command=command)


def _checked(setting: Setting, root: Path, algorithm: str, signature: Path) -> Contender:
    """Return the checked load of the model as it was signed with *algorithm*."""

    def sign() -> None:
        shutil.copyfile(signature, root / "model.sig")

    reading = _reading(setting, root, "weighbridge", f"checked load {algorithm}")
    return replace(reading, before=sign)


def _half(setting: Setting, root: Path, signature: Path) -> Contender:
    """Return the load of half of the tensors, by digests of parts that are claimed now."""
    key = ("--private-key", str(setting.private_key))
    subprocess.run(
        (str(setting.weighbridge), "attest", "parts", str(root), *key),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    policy = setting.policy.with_name("parts.toml")
    policy.write_text(setting.policy.read_text() + 'parts = { from = "bench" }\n')
    program = (sys.executable, str(PROGRAMS / "read_tensors.py"))
    reading = Contender(name=_HALF, command=(*program, "half", str(root), str(policy)))

    def sign() -> None:
        shutil.copyfile(signature, root / "model.sig")

    return replace(reading, before=sign)


def _read_once(root: Path) -> None:
    """Have the files in the page cache, as `read_tensors.py` has them."""
    block = bytearray(MIB)
    for path in root.iterdir():
        with path.open("rb", buffering=0) as stream:
            while stream.readinto(block):
                pass


def _seconds(sample: Sample) -> float:
    """Return what the process itself says: without the start of the interpreter and imports."""
    seconds = json.loads(sample.output)["seconds"]
    assert isinstance(seconds, float)
    return seconds


def _ratios(taken: dict[str, list[Sample]], algorithm: str, *, aim: str) -> list[Ratio]:
    checked, hashing = taken[f"checked load {algorithm}"], taken[f"raw {algorithm}"]
    ratios = [
        ratio(f"{algorithm}: checked load / hashing", over=checked, under=hashing, of=_seconds)
    ]
    for name in ("safetensors reading", "plain reading", "reading into huge pages"):
        if name in taken:
            ratios += [
                ratio(
                    f"{algorithm}: checked load / {name}",
                    over=checked,
                    under=taken[name],
                    of=_seconds,
                ),
                ratio(
                    f"{algorithm}: checked load / larger of hashing and {name}",
                    over=checked,
                    under=_larger(hashing, taken[name]),
                    of=_seconds,
                    aim=aim,
                ),
            ]
    return ratios


def _larger(one: Sequence[Sample], other: Sequence[Sample]) -> list[Sample]:
    return [max(pair, key=_seconds) for pair in zip(one, other, strict=True)]


def _figures(name: str, samples: Sequence[Sample], size: int) -> list[Figure]:
    reports = [json.loads(sample.output) for sample in samples]
    figures = [
        Figure(what=f"{name}: fastest", value=min(map(_seconds, samples)), unit="s"),
    ]
    if "peak" in reports[0]:
        peak = max(report["peak"] for report in reports) / size
        aim = _PEAK_AIM if name.startswith("checked") else ""
        figures.append(Figure(what=f"{name}: memory peak", value=peak, unit="x model", aim=aim))
    return figures
