"""What our own parsers attempt when they were taken over; the same attempts as of programs."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.escapes.outside import SECRET, VARIABLE, outside
from support.users import as_user, python_of, users
from weighbridge.core.limits.scanning import MAX_WORKER_MEMORY_BYTES
from weighbridge.sandbox.launcher import is_supported

pytestmark = pytest.mark.skipif(not is_supported(), reason="no confined processes here")

SCRIPT = Path(__file__).parents[1] / "support" / "escapes" / "worker.py"


@pytest.mark.parametrize("user", users(), ids=str)
def test_nothing_gets_out_of_a_worker(user: str | None) -> None:
    """No attempt works, not even to run a shell, and nothing arrives outside."""
    python = python_of(user)
    assert python is not None
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made, outside(Path(made)) as world:
        for path in (Path(made), *Path(made).rglob("*")):
            path.chmod(0o777)
        world.configuration["memory_mib"] = MAX_WORKER_MEMORY_BYTES >> 20
        done = subprocess.run(
            [python, os.fspath(SCRIPT), json.dumps(world.configuration)],
            check=False,
            close_fds=False,  # what was left open on purpose is for the worker to close
            **as_user(user, {VARIABLE: SECRET}),
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        if not found["complete"]:
            pytest.skip("the system refuses some of the measures")
        assert {name for name, how in found["said"].items() if how.startswith("done")} == set()
        assert len(found["said"]) > 80
        assert world.reached() == set()
