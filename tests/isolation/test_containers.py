"""
Where no namespaces can be made, programs run behind other walls or not at all, and never open.

Two surroundings are emulated: the filter that Docker has by default, and a system whose number of
user namespaces is set to nothing; each also without Landlock.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isolation.test_attempts import allowed, attempt, open_to_all
from support.containers import SURROUNDINGS, within
from support.escapes.outside import outside
from support.walled import line, write_policy
from weighbridge.sandbox.walls.direct import Direct
from weighbridge.sandbox.walls.starting import PACKAGE

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(
        [os.fspath(PACKAGE.parent), os.fspath(Path(__file__).parents[1])]
    ),
}
UNNAMED = ("run", "model", "--policy", "weighbridge.toml", "--")
REMEDIES = {
    "docker": "let its seccomp profile allow",
    "without-namespaces": "sysctl -w user.max_user_namespaces=",
}
"""What is said to be done about each."""


def run_within(
    place: Path, surroundings: tuple[str, ...], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run weighbridge in surroundings like those."""
    return subprocess.run(
        [*within(*surroundings), sys.executable, "-m", "weighbridge", *arguments],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(params=SURROUNDINGS)
def around(request: pytest.FixtureRequest) -> str:
    """Return surroundings that allow no namespaces."""
    name: str = request.param
    return name


@pytest.fixture
def marker(place: Path) -> Path:
    """Return a file that a program makes where it is run at all, however open."""
    (place / "out").mkdir()
    write_policy(place, 'write = ["out"]')
    return place / "out" / "it-ran"


def marking(marker: Path) -> tuple[str, ...]:
    """Return a program that makes the marker and says so."""
    return ("/bin/sh", "-c", f"echo it ran; : > {marker}")


def test_the_surroundings_are_real(around: str) -> None:
    """In them no namespace can be made, by whichever call; outside of them one can."""
    command = ["/usr/bin/unshare", "--user", "/bin/true"]
    assert subprocess.run(command, check=False).returncode == 0
    done = subprocess.run(
        [*within(around), *command], env=ENVIRONMENT, check=False, capture_output=True
    )
    assert done.returncode != 0


def test_other_walls_are_put_up(place: Path, around: str, marker: Path) -> None:
    """Without a word about engines, the program is run by the one that needs no namespaces."""
    done = run_within(place, (around,), *UNNAMED, *marking(marker))
    assert (done.returncode, done.stdout) == (0, "it ran\n"), done.stderr
    assert done.stderr.splitlines()[0].startswith("isolated by direct")
    assert marker.exists()


def test_the_other_walls_hold(tmp_path_factory: pytest.TempPathFactory, around: str) -> None:
    """Nothing that is tried behind them gets out, here as elsewhere."""
    place = tmp_path_factory.mktemp("outside", numbered=True)
    with outside(place) as world:
        open_to_all(place)
        said = attempt(Direct(), world.configuration, user=None, around=within(around))
        worked = {name for name, outcome in said.items() if outcome == "done"}
        assert worked <= allowed(Direct(), root=os.geteuid() == 0)
        assert {"run-shell"} <= worked
        assert world.reached() == set()


@pytest.mark.parametrize("engine", ["bubblewrap", "gvisor"])
def test_an_engine_that_needs_namespaces_runs_nothing(
    place: Path, around: str, marker: Path, engine: str
) -> None:
    """Where it is demanded, the program is not run, and what to do is said."""
    done = run_within(place, (around,), *line(engine, *marking(marker)))
    assert (done.returncode, done.stdout) == (1, "")
    assert not marker.exists()
    assert "[isolation-unavailable]" in done.stderr
    assert REMEDIES[around] in done.stderr


@pytest.mark.parametrize("engine", [None, "bubblewrap", "direct"])
@pytest.mark.parametrize("surroundings", [(), *((name,) for name in SURROUNDINGS)], ids=str)
def test_without_landlock_nothing_is_run(
    place: Path, surroundings: tuple[str, ...], marker: Path, engine: str | None
) -> None:
    """No engine of ours goes without, whether or not there are namespaces."""
    arguments = UNNAMED if engine is None else line(engine)
    done = run_within(place, (*surroundings, "without-landlock"), *arguments, *marking(marker))
    assert (done.returncode, done.stdout) == (1, "")
    assert not marker.exists()
    assert "Landlock is not there" in done.stderr
    assert "[isolation-unavailable]" in done.stderr


_OLD = """
import sys
from weighbridge.sandbox import landlock
landlock.version = lambda: {version}
from weighbridge.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("version", "surroundings", "engine"),
    [
        (6, ("docker",), "direct"),
        (5, ("docker",), None),
        (5, ("without-namespaces",), None),
        (3, (), "bubblewrap"),
        (2, (), None),
    ],
)
def test_an_old_landlock_is_not_enough(
    place: Path, marker: Path, version: int, surroundings: tuple[str, ...], engine: str | None
) -> None:
    """Each engine needs a version, and below it the program is not run."""
    done = subprocess.run(
        [
            *within(*surroundings, "as-is"),
            *(sys.executable, "-c", _OLD.format(version=version)),
            *(*UNNAMED, *marking(marker)),
        ],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if engine is None:
        assert (done.returncode, done.stdout) == (1, "")
        assert f"Landlock 6 is needed, and the kernel has {version}" in done.stderr
    else:
        assert (done.returncode, done.stdout) == (0, "it ran\n"), done.stderr
        assert f"isolated by {engine}" in done.stderr
    assert marker.exists() == (engine is not None)


def test_the_doctor_says_what_to_do(place: Path, around: str) -> None:
    """Of each engine it is said whether it works there, why not, and what would help."""
    done = run_within(place, (around,), "doctor", "--format", "json")
    report: dict[str, Any] = json.loads(done.stdout)
    engines = {each["engine"]: each for each in report["isolation"]}
    assert [name for name, each in engines.items() if each["works"]] == ["direct"]
    for name in ("bubblewrap", "gvisor"):
        assert engines[name]["walls"] == []
        assert all(each["reason"] for each in engines[name]["missing"])
        assert any(REMEDIES[around] in each for each in engines[name]["remedies"])
