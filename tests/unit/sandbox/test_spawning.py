"""A program that is started has what it is given, and nothing else that is open here."""

import os
import subprocess
import sys

import pytest

START = """
import os, resource, sys
from weighbridge.sandbox.spawning import filled, spawn

left = os.dup2(os.open("/dev/null", os.O_RDONLY), 199)
os.set_inheritable(left, True)
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
process = spawn(["/bin/ls", "/proc/self/fd"], {20: filled(b"given")})
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are looked up in /proc")
@pytest.mark.parametrize("limit", [256, 64])
def test_nothing_is_left_open(limit: int) -> None:
    """What was left open is closed there, also above a limit that was lowered since."""
    done = subprocess.run(
        [sys.executable, "-c", START, str(limit)],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["0", "1", "2", "20", "3"]  # 3 is the listing itself
