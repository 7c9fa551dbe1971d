"""The benchmarks run and say what they measured; no test looks at how fast anything is."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CASES = [
    *("start", "large", "small", "shards", "memory", "load", "scan", "guard", "convert", "record"),
    *("run", "relay"),
]


def _bench(*arguments: str, place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--place", str(place), *arguments],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_case_is_known() -> None:
    """A run without names measures these cases, of which each has a test below."""
    code = "from benchmarks.__main__ import CASES; print(*CASES)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == CASES


@pytest.mark.parametrize("name", CASES)
def test_a_quick_run_measures_it(name: str, tmp_path: Path) -> None:
    """The case is measured with plausible numbers, in a table and in JSON; no data stays."""
    place = tmp_path / "place"
    place.mkdir()
    output = tmp_path / "results" / "out.json"
    done = _bench("--only", name, "--output", str(output), place=place)
    assert done.returncode == 0, done.stderr
    assert list(place.iterdir()) == []
    found: dict[str, Any] = json.loads(output.read_text())
    assert found["schema"] == "weighbridge.benchmarks/v1"
    assert found["mode"] == "quick"
    assert found["machine"]["cpus"] >= 1
    assert [case["case"] for case in found["cases"]] == [name]
    for case in found["cases"]:
        assert f"{case['case']}: {case['title']}" in done.stdout
        assert case["ratios"] or case["figures"]
        for ratio in case["ratios"]:
            assert 0 < ratio["least"] <= ratio["median"] <= ratio["most"]
            assert ratio["what"] in done.stdout
        for figure in case["figures"]:
            assert math.isfinite(figure["value"])
            # A difference that is smaller than the noise can have either sign.
            assert figure["value"] >= 0 or " more" in figure["what"]
            assert figure["what"] in done.stdout
        for samples in case["samples"].values():
            assert samples
            assert all(sample["wall"] > 0 and sample["peak"] > 0 for sample in samples)
            assert all(set(sample) == {"wall", "cpu", "peak"} for sample in samples)


def test_large_ones_are_run_as_often_as_asked(tmp_path: Path) -> None:
    """`--rounds` says how often; none, and more than anybody waits for, are refused."""
    output = tmp_path / "out.json"
    done = _bench("--only", "small", "--rounds", "3", "--output", str(output), place=tmp_path)
    assert done.returncode == 0, done.stderr
    (case,) = json.loads(output.read_text())["cases"]
    assert {len(samples) for samples in case["samples"].values()} == {3}
    for refused in ("0", "101", "many"):
        assert _bench("--only", "small", "--rounds", refused, place=tmp_path).returncode == 2


def test_a_missing_reference_is_said_and_not_measured(tmp_path: Path) -> None:
    """Without the reference implementation, its comparison is listed as not measured."""
    output = tmp_path / "out.json"
    done = _bench(
        *("--only", "start", "--output", str(output), "--reference", str(tmp_path / "none")),
        place=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (case,) = json.loads(output.read_text())["cases"]
    assert case["skipped"] == ["reference --help: not installed (make oracles)"]
    assert case["ratios"] == []
    assert "not measured: reference --help" in done.stdout


def test_a_process_that_fails_is_not_measured(tmp_path: Path) -> None:
    """When a measured command ends with another exit code, the run fails and writes no result."""
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\nexit 3\n")
    failing.chmod(0o755)
    output = tmp_path / "out.json"
    done = _bench(
        *("--only", "start", "--output", str(output), "--reference", str(failing)), place=tmp_path
    )
    assert done.returncode == 1
    assert "expected exit code 0, found 3" in done.stderr
    assert not output.exists()
