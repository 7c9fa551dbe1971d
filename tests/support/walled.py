"""A signed model and a policy with isolation, and programs run behind its walls."""

import os
import subprocess
import sys
from pathlib import Path

from weighbridge.sandbox.walls.starting import PACKAGE

POLICY = """
version = 1

[trust.publisher]
method     = "key"
public-key = "publisher.pub"

[[rule]]
match     = ["model"]
boundary  = ["load"]
signature = {{ any-of = ["publisher"] }}
isolation = {{ {isolation} }}
"""


LISTING = ("/bin/sh", "-c", 'for each in "$0"/*; do echo "${each##*/}"; done')
"""Names what is in the directory that follows; `ls` asks more than an older gVisor answers."""


def write_policy(place: Path, isolation: str = 'network = "none"') -> None:
    """Write the policy with these demands of isolation."""
    (place / "weighbridge.toml").write_text(POLICY.format(isolation=isolation), "utf-8")


def line(engine: str, *command: str) -> tuple[str, ...]:
    """Return the arguments that run *command* by *engine*."""
    return ("run", "model", "--policy", "weighbridge.toml", "--engine", engine, "--", *command)


def started(place: Path, engine: str, script: str) -> "subprocess.Popen[str]":
    """Start *script* behind the walls of *engine*, in a group of its own."""
    return started_as(place, engine, "/bin/sh", "-c", script)


def started_as(place: Path, engine: str, *command: str) -> "subprocess.Popen[str]":
    """Start *command* behind the walls of *engine*, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "weighbridge", *line(engine, *command)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.fspath(PACKAGE.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
