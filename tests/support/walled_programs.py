"""Whole programs, run as they are and behind walls, so that what they say can be compared."""

import os
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.signed_model import make_signed_model
from support.users import OTHER, SEARCHED, as_user, python_of

RULE = {
    "formats": "{ deny-executable = false }",
    "scan": '{ fail-on = "critical", on-gap = "indeterminate" }',
    "remote-code": '"allow"',
}
"""Walls are for what the checks before them let through: so everything is let through."""

ISOLATION = 'network = "none", env = {env}, write = ["/dev/shm"]'
PASSED = ("PYTHONPATH", "KERAS_BACKEND", "HF_HUB_OFFLINE")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Workplace:
    """
    A signed model, and a policy that lets it through to the walls.

    Attributes:
        place: Where they are; everybody can read them.
        variables: What programs get besides what they need.
    """

    place: Path
    variables: Mapping[str, str]
    _plain: dict[tuple[str, str | None], Ended] = field(default_factory=dict)

    def demand(self, isolation: str, *, read: tuple[str, ...]) -> None:
        """Have the policy demand *isolation*, with places to *read*."""
        policy = self.place / "weighbridge.toml"
        lines = policy.read_text("utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("isolation ")]
        demanded = f"isolation = {{ {isolation}, read = {_listed(read)} }}"
        policy.write_text("\n".join([*kept, demanded, ""]), "utf-8")

    def plain(self, script: str, user: str | None) -> Ended:
        """Run *script* with the model's path as *user*, without walls; once."""
        key = script, user
        if key not in self._plain:
            self._plain[key] = self._run(user, *self._program(script, user, "model"))
        return self._plain[key]

    def walled(self, script: str, user: str | None, engine: str) -> Ended:
        """Run *script* with the model's path as *user*, behind the walls of *engine*."""
        return self.run(user, engine, *self._program(script, user, "{model}"))

    def run(self, user: str | None, engine: str, *command: str) -> Ended:
        """Run *command* as *user*, behind the walls of *engine*."""
        options = ("--policy", "weighbridge.toml", "--engine", engine)
        own = (_python(user), "-m", "weighbridge", "run", "model", *options, "--")
        return self._run(user, *own, *command)

    def _program(self, script: str, user: str | None, model: str) -> tuple[str, ...]:
        program = self.place / "program.py"
        program.write_text(textwrap.dedent(script), "utf-8")
        program.chmod(0o644)
        return _python(user), "-W", "ignore", os.fspath(program), model

    def _run(self, user: str | None, *command: str) -> Ended:
        home = self.place / f"home-{user}"
        variables = {"HOME": os.fspath(home), **self.variables}
        done = subprocess.run(
            command,
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            check=False,
            **as_user(user, variables),
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def workplace(files: dict[str, bytes], **variables: str) -> Iterator[Workplace]:
    """Give a workplace with a model of *files*; in no directory that engines make anew."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        place = Path(made)
        make_signed_model(place, files, rule=RULE)
        for path in (place, *place.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        for user in (None, OTHER):
            home = place / f"home-{user}"
            home.mkdir(mode=0o700)
            if user is not None and python_of(user) is not None:
                shutil.chown(home, user)
        found = Workplace(place, variables)
        found.demand(ISOLATION.format(env=_listed(PASSED)), read=SEARCHED)
        yield found


def assert_same(place: Workplace, script: str, user: str | None, engine: str) -> None:
    """Assert that a program says the same behind walls as without, to the last bit."""
    plain = place.plain(script, user)
    assert plain.code == 0, plain.err
    assert plain.out
    assert "FAILED" not in plain.out
    walled = place.walled(script, user, engine)
    assert (walled.code, walled.out) == (0, plain.out), walled.err


def _python(user: str | None) -> str:
    python = python_of(user)
    assert python is not None
    return python


def _listed(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"
