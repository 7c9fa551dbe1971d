"""Device files of GPUs behind walls, with a stand-in: a plain device under a name of theirs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from isolation.conftest import working
from support.publisher import weighbridge
from support.walled import line, write_policy
from weighbridge.sandbox.walls.engines import ENGINES
from weighbridge.sandbox.walls.starting import PACKAGE

SHOWING = [engine.name for engine in ENGINES if engine.lacks("gpus") is None]

_STAND_IN = 'mount --bind /dev/urandom "$1" && shift && exec "$@"'
"""Makes a device of a file, in a namespace that ends with it."""

_RUN = """
import json, sys
from weighbridge.sandbox.walls.engines import choose_engine
from weighbridge.sandbox.walls.interface import Walls
engine, node, gpus, command = json.loads(sys.argv[1])
walls = Walls(readable=("/usr", "/bin", "/lib", "/lib64", *json.loads(sys.argv[2])),
              gpus=(node,) if gpus else ())
sys.exit(choose_engine(engine)[0].run(command, walls).code)
"""

_REQUESTS = """
import fcntl, sys
for name, request in ((sys.argv[1], 0x80045200), (sys.executable, 0x80086601)):
    with open(name, "rb", buffering=0) as file:
        try:
            fcntl.ioctl(file, request, bytes(256))
            print("answered")
        except OSError as error:
            print(error.errno)
"""


def behind(engine: str, place: Path, command: tuple[str, ...], *, gpus: bool) -> tuple[int, str]:
    """Run *command* with a device that stands for a GPU; return how it ended and what it said."""
    node = place / "nvidia0"
    node.touch()
    python = [sys.executable, "-c", _RUN, json.dumps([engine, os.fspath(node), gpus, command])]
    readable = json.dumps([sys.prefix, sys.base_prefix, os.fspath(PACKAGE.parent)])
    done = subprocess.run(
        [
            *("/usr/bin/unshare", "--user", "--map-root-user", "--mount"),
            *("/bin/sh", "-c", _STAND_IN, "sh", os.fspath(node), *python, readable),
        ],
        env={"PYTHONPATH": os.fspath(PACKAGE.parent), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("engine", SHOWING)
def test_a_device_is_there_where_it_is_listed(engine: str, tmp_path: Path) -> None:
    """It can be read and written; without the key its name is not there, or cannot be listed."""
    working(engine)
    node = os.fspath(tmp_path / "nvidia0")
    script = 'test -c "$1" && echo data > "$1" && head -c 1 "$1" > /dev/null && echo used'
    command = ("/bin/sh", "-c", script, "sh", node)
    assert behind(engine, tmp_path, command, gpus=True) == (0, "used\n")
    if engine != "direct":  # to Landlock it is what it stands in for, whatever it is called
        code, said = behind(engine, tmp_path, command, gpus=False)
        assert (code, said) == (1, "")


@pytest.mark.parametrize("engine", SHOWING)
def test_requests_reach_the_driver(engine: str, tmp_path: Path) -> None:
    """It answers them with the key and not without; what is asked of file systems never is."""
    working(engine)
    command = (sys.executable, "-I", "-c", _REQUESTS, os.fspath(tmp_path / "nvidia0"))
    assert behind(engine, tmp_path, command, gpus=True) == (0, "answered\n25\n")
    command = (sys.executable, "-I", "-c", _REQUESTS, "/dev/urandom")
    assert behind(engine, tmp_path, command, gpus=False) == (0, "25\n25\n")


def test_a_rule_is_refused_by_an_engine_without(place: Path) -> None:
    """Who cannot show a GPU says so before the model is read, whether or not there is one."""
    working("gvisor")
    write_policy(place, "gpus = true")
    result = weighbridge(place, *line("gvisor", "/bin/echo", "it ran"))
    assert (result.code, result.out) == (1, "")
    assert "isolation.gpus" in result.err


@pytest.mark.parametrize("engine", SHOWING)
def test_it_is_said_that_drivers_are_reached(place: Path, engine: str) -> None:
    """A rule that gives GPUs is named on standard error, and one that does not is not."""
    working(engine)
    write_policy(place, "gpus = true")
    result = weighbridge(place, *line(engine, "/bin/echo", "it ran"))
    assert (result.code, result.out) == (0, "it ran\n")
    assert "GPUs" in result.err
    write_policy(place)
    assert "GPUs" not in weighbridge(place, *line(engine, "/bin/echo", "it ran")).err


def test_only_admitted_engines_are_taken(place: Path) -> None:
    """A rule that lists engines is run by the first of them that works, and by no other."""
    working("bubblewrap")
    write_policy(place, 'engines = ["direct", "bubblewrap"]')
    unnamed = ("run", "model", "--policy", "weighbridge.toml", "--", "/bin/echo", "it ran")
    result = weighbridge(place, *unnamed)
    assert (result.code, result.out) == (0, "it ran\n")
    assert "isolated by direct" in result.err
    write_policy(place, 'engines = ["bubblewrap"]')
    result = weighbridge(place, *line("direct", "/bin/echo", "it ran"))
    assert (result.code, result.out) == (1, "")
    assert "does not admit" in result.err
