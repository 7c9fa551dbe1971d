"""
Hold the coverage floors: 90 % of everything, 95 % of branches where a mistake admits something.

What tests run in their own process counts, and not what the programs do that they start, but for
those of modules that ask for it (`measured_programs`).

Usage: python -m tests.coverage_floors   (after `coverage combine`)
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

FLOORS = {
    "": 90.0,
    "core/": 95.0,
    "policy/": 95.0,
    "provenance/": 95.0,
    "signing/": 95.0,
    "pipeline/": 95.0,
}
"""Folder of the package to the least percentage of lines and branches covered together."""


def measured() -> dict[str, tuple[int, int]]:
    """Return how many of how many lines and branches each module has covered."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "coverage.json"
        subprocess.run(
            [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(report)], check=True
        )
        files = json.loads(report.read_text())["files"]
    counts = {}
    for name, entry in files.items():
        _, found, module = name.partition("weighbridge/")
        summary = entry["summary"]
        if found:
            counts[module] = (
                summary["covered_lines"] + summary["covered_branches"],
                summary["num_statements"] + summary["num_branches"],
            )
    return counts


def main() -> int:
    """Print a line for each floor; return 1 when one is not reached."""
    counts = measured()
    failed = not counts
    for folder, floor in FLOORS.items():
        chosen = [count for module, count in counts.items() if module.startswith(folder)]
        total = sum(of for _, of in chosen)
        percent = 100 * sum(covered for covered, _ in chosen) / total if total else 0.0
        good = percent >= floor
        failed |= not good
        print(  # noqa: T201  the report of a command
            f"coverage {folder or 'all':<12} {percent:6.2f} %  (at least {floor:.0f} %)"
            f"{'' if good else '  TOO LOW'}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
