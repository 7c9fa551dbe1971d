"""Unit tests: what isolates is for Linux, and everything else does not mind that it is there."""

import os
import subprocess
import sys

_OTHER = """
import os, select, signal, _signal, sys
sys.platform = "darwin"
missing = {
    os: ("eventfd", "memfd_create", "pidfd_open", "O_PATH"),
    select: [name for name in dir(select) if name.lower().startswith("epoll")],
    signal: ("SIGRTMIN", "SIGRTMAX"),
    _signal: ("SIGRTMIN", "SIGRTMAX"),
}
for module, names in missing.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
import weighbridge.pipeline.installation
"""


def test_what_is_only_of_linux_is_not_needed_to_say_what_is_missing() -> None:
    """`weighbridge doctor` imports every engine, on systems that have nothing of what they use."""
    around = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", _OTHER], env=around, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
