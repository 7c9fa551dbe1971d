"""What an isolated step of a build attempts, and what comes of it; the same attempts as of walls."""

import json
import os
import sys
from pathlib import Path

import pytest

from support.escapes.outside import CODE, SCRIPT, SECRET, VARIABLE, outside, parse
from weighbridge.pipeline.recording.surroundings import Surroundings, isolated_environment
from weighbridge.sandbox.steps.interface import StepMeasure, StepOrder
from weighbridge.sandbox.steps.launch import is_supported, run_step

pytestmark = pytest.mark.skipif(not is_supported(), reason="no steps here")

ALLOWED = frozenset(
    {
        *("run-shell", "memfd-execute", "fill-disk", "fill-memory", "fork-bomb"),
        *("read-shared-memory-file", "list-hardware"),
        "capabilities",  # root keeps those over files, which Landlock limits
    }
)
"""What docs/provenance.md does not promise: programs may run, as long and as large as they like."""


def test_nothing_gets_out_of_an_isolated_step(tmp_path: Path) -> None:
    """No attempt but the allowed ones works, and nothing arrives outside."""
    output, scratch = tmp_path / "output", tmp_path / "scratch"
    for each in (output, scratch, tmp_path / "world"):
        each.mkdir()
    environment = {**os.environ, VARIABLE: SECRET}
    with outside(tmp_path / "world") as world:
        surroundings = Surroundings.of(sys.executable, environment, allowed=[CODE])
        isolation = surroundings.isolation(
            program=sys.executable,
            declared=[world.configuration["weights"]],
            listable=(),
            output=output,
            scratch=scratch,
            ports=(),
        )
        configuration = json.dumps(world.configuration)
        report = run_step(
            StepOrder(
                program="/bin/sh",
                command=(
                    *("sh", "-c", f'exec "$@" > {output}/said', "sh"),
                    *(sys.executable, "-I", os.fspath(SCRIPT), configuration),
                ),
                environment=tuple(isolated_environment(environment, scratch).items()),
                isolation=isolation,
                observe=False,
                grace_seconds=0,
            )
        )
        if report.failure is not None:
            pytest.skip(report.failure)
        assert report.exit_code == 0
        assert report.enforced == tuple(StepMeasure)
        said = parse((output / "said").read_text("utf-8"))
        done = {name for name, how in said.items() if how.startswith("done")}
        assert done - ALLOWED == set()
        assert len(said) - len(done) > 30
        assert world.reached() == set()
