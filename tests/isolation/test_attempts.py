"""
What programs behind walls attempt, and what comes of it: by engine, as root and as another user.

Nothing inside is believed about what got out: listeners, files and a victim process outside are
looked at. A twin without walls shows that each attempt would have worked.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.escapes.outside import CODE, SCRIPT, SECRET, VARIABLE, outside, parse
from support.users import as_user, python_of, users
from weighbridge.sandbox.groups.group import limitable
from weighbridge.sandbox.groups.interface import PROCESSES
from weighbridge.sandbox.walls.engines import ENGINES
from weighbridge.sandbox.walls.interface import Engine, Wall
from weighbridge.sandbox.walls.limiting import is_exempt
from weighbridge.sandbox.walls.starting import PACKAGE

ELSEWHERE = frozenset(
    {
        "metadata-address",
        "alg-socket",
        "load-module",
        "make-device",
        "vsock",
        "set-time",
        "raw-socket",
        *("change-flags", "convert-socket", "core-pattern", "kernel-log", "message-queue"),
        *("old-calls", "read-attributes", "short-calls"),
        *("list-hardware", "open-device", "ports-of-the-machine", "quota", "swap"),
        *("system-request", "leave-group", "annotate-model", "interfaces-by-socket"),
        *("list-mounts", "namespace-of-victim", "read-flags", "watch-memory-of-files"),
        *("change-mapped-model", "splice-over-model"),  # on a kernel without these holes
    }
)
"""What a machine may not have, or not let even root do."""

ONLY_ROOT = frozenset(
    {
        *("bpf", "capabilities", "keyctl", "load-module", "mount", "packet-socket", "perf-event"),
        *("open-by-handle", "pidfd-take-descriptor", "process-vm-read", "ptrace-attach"),
        "reach-starter",
        *("raw-socket", "read-victims-memory-file", "set-time", "set-user-id", "userfaultfd"),
        *("type-into-terminal", "user-namespace", "clone-user-namespace", "io-uring"),
        *("advise-victim", "change-root", "compare-victim", "expose-victim", "host-name"),
        *("move-victims-pages", "new-mounts", "restart", "watch-everything"),
        *("write-victims-memory", "own-segments", "request-key", "change-interfaces"),
    }
)
"""What systems let root alone do, or nobody else by their settings."""

INSIDE = frozenset({"foreign-address", "listen", "listen-unbound", "share-port"})
"""What a server can do in a network of its own, where nobody else is."""

ROW = re.compile(r"\| `([a-z0-9-]+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \| ([^|]+) \|")
COLUMNS = ("bubblewrap", "direct", "gvisor")
SERVING = [engine for engine in ENGINES if engine.lacks("listen") is None]
WORDS = {"refused": (), "inside": ("self", "root")}
"""What the documentation says of an attempt, and for whom it works then."""

_RUN = """
import json, sys
from weighbridge.core.endpoints import Destination, Listening
from weighbridge.sandbox.walls.engines import ENGINES
from weighbridge.sandbox.walls.interface import Limits, Walls
name, fields, command = json.loads(sys.stdin.read())
(engine,) = [each for each in ENGINES if each.name == name]
limits = Limits(**fields.pop("limits"))
fields["listen"] = [Listening(port=port) for port in fields["listen"]]
fields["connect"] = [Destination.parse(text) for text in fields["connect"]]
tuples = {key: tuple(map(lambda v: tuple(v) if isinstance(v, list) else v, value))
          if isinstance(value, list) else value for key, value in fields.items()}
sys.exit(engine.run(command, Walls(limits=limits, **tuples)).code)
"""

SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")


def counted(user: str | None) -> bool:
    """Tell whether processes are counted: those of root are by groups alone."""
    return user is not None or not is_exempt() or PROCESSES in limitable()


def fields(
    world: dict[str, object], listen: Sequence[int], connect: Sequence[str], *, interfaces: bool
) -> dict[str, Any]:
    """Return the walls of the tests, as fields."""
    weights = world["weights"]
    return {
        "readable": [
            *(*SYSTEM, sys.prefix, sys.base_prefix),
            *(os.fspath(PACKAGE.parent), os.fspath(CODE)),
        ],
        "shown": [[weights, weights]],
        "listen": [*listen],
        "connect": [*connect],
        "interfaces": interfaces,
        "environment": [["PATH", os.environ["PATH"]]],
        "limits": {"processes": 100, "memory_bytes": 400 << 20, "file_bytes": 32 << 20},
    }


def attempt(
    engine: Engine,
    world: dict[str, object],
    *,
    user: str | None,
    listen: Sequence[int] = (),
    connect: Sequence[str] = (),
    interfaces: bool = False,
    around: Sequence[str] = (),
) -> dict[str, str]:
    """Run the attempts behind the walls of *engine*, as *user*, and return what they say."""
    python = python_of(user)
    assert python is not None
    walls = fields(world, listen, connect, interfaces=interfaces)
    if not counted(user):
        walls["limits"].pop("processes")
    command = [python, "-I", os.fspath(SCRIPT), json.dumps(world)]
    done = subprocess.run(
        [*around, python, "-c", _RUN],
        input=json.dumps([engine.name, walls, command]),
        check=False,
        close_fds=False,  # what was left open on purpose is for the engine to close
        **as_user(user, {VARIABLE: SECRET}),
    )
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)


def documented() -> dict[str, dict[str, str]]:
    """Return what docs/isolation.md says of each attempt, by engine."""
    text = (Path(__file__).parents[2] / "docs" / "isolation.md").read_text("utf-8")
    _, text = text.split("## What was tried", 1)
    return {
        name: dict(zip(COLUMNS, map(str.strip, said), strict=True))
        for name, *said in ROW.findall(text)
    }


def allowed(engine: Engine, *, root: bool) -> set[str]:
    """Return the attempts that work by the documentation, and those that were not limited."""
    who = "root" if root else "self"
    unlimited = {"fork-bomb"} if root and not counted(None) else set[str]()
    return unlimited | {
        name for name, said in documented().items() if who in WORDS[said[engine.name]]
    }


@pytest.fixture(params=users(), ids=str)
def user(request: pytest.FixtureRequest) -> str | None:
    """Return as whom to run."""
    name: str | None = request.param
    return name


def require(engine: Engine) -> None:
    """Skip where *engine* cannot work, which is no fault of it."""
    strength = engine.probe()
    if not strength.works:
        pytest.skip(f"{engine.name}: {strength.missing[0][1]}")


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a directory that everybody can use, in no place that engines make anew."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        path = Path(made)
        path.chmod(0o777)
        yield path


def open_to_all(place: Path) -> None:
    """Let everybody read and change what is outside: walls are to protect it, not its mode."""
    for path in (place, *place.rglob("*")):
        path.chmod(0o777)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_no_attempt_gets_out(engine: Engine, user: str | None, place: Path) -> None:
    """Nothing that is tried works but what stays inside, and nothing arrives outside."""
    require(engine)
    with outside(place) as world:
        open_to_all(place)
        said = attempt(engine, world.configuration, user=user)
        root = os.geteuid() == 0 and user is None
        worked = {name for name, outcome in said.items() if outcome == "done"}
        assert worked == allowed(engine, root=root)
        assert set(said) == set(documented())
        assert world.reached() == set()


@pytest.mark.parametrize("engine", SERVING, ids=lambda engine: engine.name)
def test_a_server_gets_no_further_than_its_port(
    engine: Engine, user: str | None, place: Path
) -> None:
    """What may listen can do so, and nothing else that is tried works for it."""
    require(engine)
    with outside(place) as world, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        open_to_all(place)
        world.configuration["port"] = port
        said = attempt(engine, world.configuration, user=user, listen=[port])
        worked = {name for name, outcome in said.items() if outcome == "done"}
        # In a network of its own a program may listen where it likes: nobody else is there.
        more = INSIDE if engine.name == "bubblewrap" else frozenset[str]()
        root = os.geteuid() == 0 and user is None
        assert worked == allowed(engine, root=root) | more
        assert world.reached() == set()


def test_what_may_connect_and_ask_for_interfaces_gets_no_further(
    user: str | None, place: Path
) -> None:
    """Two places are listed, a name and an address, and nothing is reached or changed beside them."""
    (engine,) = [each for each in ENGINES if each.name == "bubblewrap"]
    require(engine)
    with outside(place) as world:
        open_to_all(place)
        listed = ["db.example.com:443", "[2001:db8::1]:443"]
        said = attempt(engine, world.configuration, user=user, connect=listed, interfaces=True)
        worked = {name for name, outcome in said.items() if outcome == "done"}
        root = os.geteuid() == 0 and user is None
        assert worked == allowed(engine, root=root) | INSIDE | {"netlink"}
        assert world.reached() == set()


def test_without_walls_every_attempt_gets_out(place: Path) -> None:
    """The attempts are real: in the same surroundings without an engine they work."""
    with outside(place) as world:
        world.configuration |= {"memory_mib": 1, "processes": 1}
        done = subprocess.run(
            [sys.executable, "-I", os.fspath(SCRIPT), json.dumps(world.configuration)],
            capture_output=True,
            text=True,
            check=True,
            close_fds=False,
            env={**os.environ, VARIABLE: SECRET},
            start_new_session=True,  # one of them slows its group
        )
        failed = {name for name, outcome in parse(done.stdout).items() if outcome != "done"}
        assert failed <= ELSEWHERE | ONLY_ROOT
        assert world.reached() >= {"outside", "weights", "model", "home", "victim", "tcp4", "udp"}
        assert "datagram" in world.reached()


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_an_engine_says_what_it_holds(engine: Engine) -> None:
    """Every wall is either held or missing with a reason, and none is both."""
    strength = engine.probe()
    missing = {wall for wall, reason in strength.missing if reason}
    assert strength.walls | missing == set(Wall)
    assert not strength.walls & missing
