"""Results as a table for people and as JSON for machines."""

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks.measure import Result
from benchmarks.setting import GIB

SCHEMA: Final = "weighbridge.benchmarks/v1"
_WIDTH: Final = 52


def table(results: Sequence[Result]) -> str:
    """Return the results as aligned text."""
    lines: list[str] = []
    for result in results:
        lines += ["", f"{result.case}: {result.title}"]
        lines += [
            f"  {f.what:<{_WIDTH}}{f.value:>9.2f} {f.unit:<16}{f.aim}".rstrip()
            for f in result.figures
        ]
        for r in result.ratios:
            span = f"({r.least:.2f}-{r.most:.2f})"
            lines.append(f"  {r.what:<{_WIDTH}}{r.median:>9.2f} {span:<16}{r.aim}".rstrip())
        lines += [f"  not measured: {reason}" for reason in result.skipped]
    return "\n".join(lines[1:])


def as_json(results: Sequence[Result], *, quick: bool) -> str:
    """Return the results and what they were measured on as JSON text."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "mode": "quick" if quick else "full",
            "machine": machine(),
            "cases": [result.as_json() for result in results],
        },
        indent=2,
    )


def machine() -> dict[str, object]:
    """Return what the numbers depend on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB, 1),
        "python": platform.python_version(),
        "packages": {
            name: _version(name)
            for name in ("weighbridge", "cryptography", "blake3", "numpy", "safetensors")
        },
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
