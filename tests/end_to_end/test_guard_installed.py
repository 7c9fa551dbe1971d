"""The guard of an environment: it needs no variable, and a broken one starts nothing."""

import os
import site
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

import weighbridge
from support.guarding import Workplace, make_guard_workplace
from support.policies import UNSIGNED, rule_text
from weighbridge.pipeline.guard.command import make_order
from weighbridge.pipeline.guard.installation import PTH_NAME, START_NAME, install
from weighbridge.pipeline.guard.installed import REFERENCE_NAME

pytestmark = pytest.mark.usefixtures("measured_programs")

EVIL = """
import pickle, sys
try:
    pickle.load(open(sys.argv[1], "rb"))
except PermissionError:
    print("denied")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment in which the guard is installed."""

    workplace: Workplace
    python: Path
    packages: Path

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run its Python with no other variables than *variables*."""
        return subprocess.run(
            [str(self.python), *arguments],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with weighbridge and with the guard in it."""
    place = tmp_path_factory.mktemp("installed")
    workplace = make_guard_workplace(place)
    venv.create(place / "venv", symlinks=True)
    packages = place / "venv" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    ours = [str(Path(weighbridge.__file__).parents[1]), *site.getsitepackages()]
    (packages / "aa-packages.pth").write_text("\n".join(ours) + "\n")
    made = Environment(
        workplace=workplace, python=place / "venv" / "bin" / "python", packages=packages
    )
    done = made.run("-m", "weighbridge", "guard", "install", "--policy", str(workplace.policy))
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize("flags", [[], ["-I"], ["-E"], ["-s", "-B"]])
def test_no_variable_is_needed(environment: Environment, flags: list[str]) -> None:
    """With a cleaned environment, and told to look at none, Python is guarded."""
    evil = environment.workplace.place / "bad" / "evil"
    done = environment.run(*flags, "-c", EVIL, os.fspath(evil))
    assert (done.stdout, done.returncode) == ("denied\n", 0), done.stderr
    assert not environment.workplace.marker.exists()


def test_status(environment: Environment) -> None:
    """The guard says where it is installed and what it enforces, and is not installed twice."""
    done = environment.run("-m", "weighbridge", "guard", "status")
    assert done.returncode == 0
    assert f"enforces {environment.workplace.policy}" in done.stdout
    again = ("guard", "install", "--policy", str(environment.workplace.policy))
    assert environment.run("-m", "weighbridge", *again).returncode == 2


def test_the_guard_of_the_environment_counts(environment: Environment) -> None:
    """Variables of `weighbridge exec` for another policy do not weaken an installed guard."""
    evil = environment.workplace.place / "bad" / "evil"
    start = Path(weighbridge.__file__).parent / "pipeline" / "guard" / "start"
    variables = {"PYTHONPATH": str(start), "WEIGHBRIDGE_GUARD": "0" * 64 + ":/nowhere"}
    done = environment.run("-c", EVIL, os.fspath(evil), **variables)
    assert (done.stdout, done.returncode) == ("denied\n", 0), done.stderr


def test_an_order_elsewhere_does_not_count(environment: Environment, tmp_path: Path) -> None:
    """A directory in `PYTHONPATH` with an order of its own does not say what is enforced."""
    lax = tmp_path / "lax.toml"
    rule = rule_text(UNSIGNED, 'formats = { allow = ["pickle"] }')
    lax.write_text(f"version = 1\n{rule}")
    install(make_order(lax), directory=tmp_path)
    unsigned = environment.workplace.place / "bad" / "unsigned-m.pkl"
    done = environment.run("-c", EVIL, os.fspath(unsigned), PYTHONPATH=str(tmp_path))
    assert (done.stdout, done.returncode) == ("denied\n", 0), done.stderr


def test_a_broken_installation_starts_nothing(environment: Environment) -> None:
    """Where the order is gone, no Python of the environment runs a program, and it is said why."""
    reference = environment.packages / REFERENCE_NAME
    text = reference.read_text()
    reference.unlink()
    try:
        done = environment.run("-c", "print('ran')")
    finally:
        reference.write_text(text)
    assert (done.stdout, done.returncode) == ("", 78)
    assert "the guard cannot start" in done.stderr
    assert REFERENCE_NAME in done.stderr
    assert f"Delete {PTH_NAME} and {START_NAME} in" in done.stderr


def test_removed_is_gone(environment: Environment) -> None:
    """After `guard remove` Python runs without a guard, and the status says so."""
    assert environment.run("-m", "weighbridge", "guard", "remove").returncode == 0
    try:
        done = environment.run("-m", "weighbridge", "guard", "status")
        assert (done.returncode, done.stdout) == (3, "not installed\n")
        evil = environment.workplace.place / "bad" / "evil"
        assert environment.run("-c", EVIL, os.fspath(evil)).stdout == ""
        assert environment.workplace.marker.exists()
    finally:
        environment.workplace.marker.unlink(missing_ok=True)
        policy = str(environment.workplace.policy)
        environment.run("-m", "weighbridge", "guard", "install", "--policy", policy)
