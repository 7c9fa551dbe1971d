"""
Run: check, keep a verified copy, and run a program that sees that copy and nothing else.

::

    reference --admit--> verified bytes --store--> read-only copy --walls--> the program
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from weighbridge.core.errors import IsolationError
from weighbridge.core.values import frozen
from weighbridge.inventory.progress import Progress
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.load import admit
from weighbridge.pipeline.policies import select_for
from weighbridge.policy.rule import IsolationControl, Network
from weighbridge.policy.schema import Policy
from weighbridge.sandbox.walls.engines import choose_engine
from weighbridge.sandbox.walls.interface import Limits, Strength, Walls
from weighbridge.sources.local import locate

MODEL_VARIABLE: Final = "WEIGHBRIDGE_MODEL"
"""Variable that tells the program where the model is."""

PLACEHOLDER: Final = "{model}"
"""What an argument may have in it to be given that place."""

_SYSTEM: Final = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/mime.types",
)
"""What programs are made of; no configuration of the machine, no users, no secrets."""

_PLAIN: Final = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "USER": "model", "LOGNAME": "model"}
_UNLIMITED: Final = Limits()


@frozen
class Run:
    """
    How a program ended.

    Attributes:
        exit_code: The program's; 128 + N where signal N ended it.
        strength: What it was kept to.
    """

    exit_code: int
    strength: Strength


def run(
    reference: str | Path,
    command: Sequence[str],
    /,
    *,
    policy: Policy,
    boundary: str = DEFAULT_BOUNDARY,
    engine: str | None = None,
    progress: Progress | None = None,
    started: Callable[[Strength], None] | None = None,
) -> Run:
    """
    Check the artifact, and run *command* so that it reaches nothing but verified bytes.

    The program sees the files that the verdict covers, read only, at the artifact's own path, and
    no other file of it. It has its own temporary directory, what the rule's `isolation` lists, the
    system's programs and libraries, the files that its command line names, and no network.

    Args:
        reference: The model.
        command: The program and its arguments; `{model}` in one stands for the model's place.
        policy: What has to hold, and what the program may reach.
        boundary: Where it is applied.
        engine: Which engine; by default the strongest that works here.
        progress: Told what is read.
        started: Told what the program is kept to, right before it is run.

    Raises:
        PolicyDeniedError, PolicyIndeterminateError: As for `load`; nothing was run.
        IsolationError: What the rule demands cannot be enforced here; nothing was run.
        UsageError: There is no such program.
    """
    handle = locate(reference)
    rule = select_for(handle.reference, policy, boundary=boundary).rule
    control = None if rule is None else rule.isolation
    if control is not None and control.network is not Network.NONE:
        raise IsolationError(
            "the rule lets the program use the network, which no engine can confine yet",
            expected='isolation.network = "none"',
            hint="Run it by itself, with the guard: weighbridge exec",
        )
    chosen, strength = choose_engine(engine)
    with admit(
        reference, policy=policy, boundary=boundary, progress=progress, sealed=False, isolated=True
    ) as artifact:
        copy = artifact.path()
    # The bytes that were held are let go; the copy is what the program sees.
    place = Path(os.path.realpath(handle.root)) if chosen.moves else copy
    walls = _walls(control, policy, command, copy=copy, place=place)
    if started is not None:
        started(strength)
    filled = [argument.replace(PLACEHOLDER, os.fspath(place)) for argument in command]
    return Run(exit_code=chosen.run(filled, walls), strength=strength)


def _walls(
    control: IsolationControl | None,
    policy: Policy,
    command: Sequence[str],
    *,
    copy: Path,
    place: Path,
) -> Walls:
    """Return what the program may reach."""
    write = () if control is None else control.write
    variables = () if control is None else control.env
    read = () if control is None else control.read
    listen = () if control is None else control.listen
    return Walls(
        readable=(
            *_SYSTEM,
            *_python(),
            *(os.path.realpath(policy.directory / name) for name in read),
            *_named(command, place),
        ),
        shown=((os.fspath(copy), os.fspath(place)),),
        writable=tuple(os.path.realpath(policy.directory / name) for name in write),
        environment=tuple(_environment(variables, os.environ, place).items()),
        directory=os.fspath(Path.cwd()),
        listen=listen,
        limits=_UNLIMITED if control is None else _limits(control),
    )


def _limits(control: IsolationControl) -> Limits:
    mib = control.memory_mib
    return Limits(memory_bytes=None if mib is None else mib << 20, processes=control.processes)


def _python() -> Iterator[str]:
    """Yield where this interpreter is installed: the last step before the program needs it."""
    yield from dict.fromkeys((sys.prefix, sys.base_prefix, os.fspath(Path(__file__).parents[2])))


def _named(command: Sequence[str], place: Path) -> Iterator[str]:
    """Yield the program's own installation, and the files that the command line names."""
    program = Path(command[0])
    if "/" in command[0] and program.exists():
        yield os.path.abspath(program)  # noqa: PTH100  links are not followed: its name counts
        yield os.path.realpath(program)
        environment = program.absolute().parent.parent
        if (environment / "pyvenv.cfg").is_file():
            yield os.fspath(environment)
    for argument in command[1:]:
        named = Path(argument)
        if named.is_file() and not named.resolve().is_relative_to(place):
            yield os.path.abspath(named)  # noqa: PTH100
            yield os.path.realpath(named)


def _environment(listed: Sequence[str], around: Mapping[str, str], place: Path) -> dict[str, str]:
    """Return the program's variables: the plain ones, and those that the rule lists."""
    home = {"HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108  its own, made by the engine
    return {
        **_PLAIN,
        **home,
        "PATH": around.get("PATH", os.defpath),
        **{name: around[name] for name in listed if name in around},
        MODEL_VARIABLE: os.fspath(place),
    }
