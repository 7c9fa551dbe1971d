"""
Run: check, keep a verified copy, and run a program that sees that copy and nothing else.

::

    reference --admit--> verified bytes --store--> read-only copy --walls--> the program
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

from weighbridge.core.errors import IsolationError
from weighbridge.core.values import frozen
from weighbridge.inventory.progress import Progress
from weighbridge.load.store import default_root
from weighbridge.pipeline.again.keeping import begin, keep
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.load import admit
from weighbridge.pipeline.policies import select_for
from weighbridge.policy.rule import IsolationControl, Network
from weighbridge.policy.schema import Policy
from weighbridge.sandbox.walls.bundle import TEMPORARY
from weighbridge.sandbox.walls.demands import require_one
from weighbridge.sandbox.walls.engines import ENGINES, choose_engine
from weighbridge.sandbox.walls.gpus import Gpus, find_gpus
from weighbridge.sandbox.walls.interface import Engine, Limits, Strength, Walls
from weighbridge.sandbox.walls.limiting import shares
from weighbridge.sandbox.walls.lookups import is_within, leads_through
from weighbridge.sources.local import locate
from weighbridge.sources.private import own_directories

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

_LINKED: Final = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload"),
)
"""What each program is linked with that is started here, walls and interpreters among them."""

_PROCESSES: Final = "/proc"

_PLAIN: Final = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "USER": "model", "LOGNAME": "model"}
_UNLIMITED: Final = Limits()


@frozen
class Noting:
    """
    How a run is noted.

    Attributes:
        name: What the call is found by.
        said: Returns what is told of what the program is kept to.
    """

    name: str
    said: Callable[[Strength], str]


@frozen
class Run:
    """
    How a program ended.

    Attributes:
        exit_code: The program's; 128 + N where signal N ended it.
        strength: What it was kept to.
        complaints: Why it ended, or failed, where the exit code does not tell.
    """

    exit_code: int
    strength: Strength
    complaints: tuple[str, ...] = ()


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
    noted: Noting | None = None,
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
        noted: How the run is noted, to be repeated by `again.running`; None for not at all.

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
            "the rule lets the program use the whole network, which is no isolation",
            expected='isolation.network = "none"',
            hint="List whom it may ask in isolation.connect, or run it by itself, with the guard: "
            "weighbridge exec",
        )
    admitted = () if control is None else control.engines
    chosen, strength = choose_engine(engine, admitted=admitted)
    limits = _UNLIMITED if control is None else _limits(control)
    strength = replace(strength, limits=chosen.how_held(limits))
    gpus = _gpus(control, chosen)
    strength = replace(strength, gpus=None if gpus is None else gpus.nodes)
    # Before the paths of the rule are looked up: what is noted has to be what was found there.
    beginning = None if noted is None else begin(noted.name, handle, policy, rule, chosen)
    places = _places(control, policy, command, root=handle.root, engine=chosen)
    if gpus is not None:
        places = replace(places, readable=(*places.readable, *gpus.readable), gpus=gpus.nodes)
    if not chosen.moves:
        _refuse_shown(handle.root, places.readable)
    with admit(
        reference, policy=policy, boundary=boundary, progress=progress, sealed=False, isolated=True
    ) as artifact:
        copy = artifact.path()
    # The bytes that were held are let go; the copy is what the program sees.
    place = handle.root if chosen.moves else copy
    walls = _walls(control, places, copy=copy, place=place, limits=limits)
    # Once more, as it takes its time to read a model: what is said is what will be.
    strength = replace(strength, limits=chosen.how_held(limits))
    if started is not None:
        started(strength)
    filled = [argument.replace(PLACEHOLDER, os.fspath(place)) for argument in command]
    if noted is not None and beginning is not None:
        keep(beginning, chosen, tuple(command), filled, walls, copy=copy, said=noted.said(strength))
    end = chosen.run(filled, walls)
    complaints = tuple(end.complaints(shares(limits)))
    return Run(exit_code=end.code, strength=strength, complaints=complaints)


@frozen
class _Places:
    """What of the machine the program may read and change, besides the model."""

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    gpus: tuple[str, ...] = ()


def _gpus(control: IsolationControl | None, engine: Engine) -> Gpus | None:
    """
    Return what there is of GPUs; None where the rule gives none.

    Raises:
        IsolationError: The engine cannot show them.
    """
    if control is None or not control.gpus:
        return None
    require_one(engine, "gpus")
    return find_gpus()


def _places(
    control: IsolationControl | None,
    policy: Policy,
    command: Sequence[str],
    *,
    root: Path,
    engine: Engine,
) -> _Places:
    """
    Return what is listed and named.

    Raises:
        IsolationError: What the program may change is no directory, or holds what decides about it;
            what it may read are the machine's processes.
    """
    write = () if control is None else control.write
    read = () if control is None else control.read
    found = {policy.directory / name: os.path.realpath(policy.directory / name) for name in write}
    # What leads through a place that an earlier program could change leads where that said, in
    # whichever order they are listed.
    writable = [
        _changeable(place, policy, root, engine)
        for place, own in found.items()
        if not leads_through(place, [each for each in found.values() if each != own])
    ]
    listed = (policy.directory / name for name in read)
    return _Places(
        readable=(
            *_SYSTEM,
            *_python(),
            *(_visible(place) for place in listed if not leads_through(place, writable)),
            *_named(command, root, (*writable, os.fspath(root))),
        ),
        writable=tuple(writable),
    )


def _visible(place: Path) -> str:
    found = os.path.realpath(place)
    if is_within(found, _PROCESSES) or is_within(_PROCESSES, found):
        raise IsolationError(
            "the rule lets the program look at the machine's processes",
            where=found,
            found=f"{_PROCESSES} of the machine is shown with it",
            hint="List in isolation.read what it needs; it sees its own processes anyway",
        )
    return found


def _changeable(place: Path, policy: Policy, root: Path, engine: Engine) -> str:
    found = os.path.realpath(place)
    if not Path(found).is_dir():
        raise IsolationError(
            "the rule lets the program change a directory that is not there",
            where=found,
            hint="Make it, or take it out of isolation.write",
        )
    if leads_through(place, [found]):
        raise IsolationError(
            "the rule lets the program change where the path of a directory leads that it may "
            "change",
            where=os.fspath(place),
            found=found,
            hint="List the directory by its own path",
        )
    own = [os.fspath(root), os.fspath(default_root()), *map(os.fspath, own_directories())]
    own += (*_python(), *_LINKED)
    deciding = [*own, *_believed(policy), *_started()]
    # What an engine makes anew for each program is no directory of the machine.
    if not (engine.moves and found in TEMPORARY):
        deciding += _temporary()
    inside = (each for each in deciding if _decides_in(each, found))
    around = (each for each in own if is_within(found, os.path.realpath(each)))
    held = next(chain(inside, around), None)
    if held is not None:
        raise IsolationError(
            "the rule lets the program change what it is checked by: the model, the policy, what "
            "that believes, the store, weighbridge itself, what that starts and is linked with, or "
            "its directory for temporary files",
            where=found,
            found=os.path.abspath(held),  # noqa: PTH100  links are not followed
            hint="List a directory for what the program makes, and nothing else",
        )
    return found


def _decides_in(deciding: str, place: str) -> bool:
    """Tell whether who may change *place* can have something else be at the path *deciding*."""
    return is_within(os.path.realpath(deciding), place) or leads_through(deciding, [place])


def _refuse_shown(root: Path, readable: Sequence[str]) -> None:
    """Refuse a model whose unverified files the program could read."""
    for each in readable:
        if root.is_relative_to(os.path.realpath(each)):
            raise IsolationError(
                "the model lies where the program may read, and without namespaces its unverified "
                "files cannot be hidden",
                where=os.fspath(root),
                found=f"{each} is readable",
                hint="Use the engine bubblewrap, or put the model elsewhere",
            )


def _walls(
    control: IsolationControl | None, places: _Places, *, copy: Path, place: Path, limits: Limits
) -> Walls:
    """Return what the program may reach."""
    variables = () if control is None else control.env
    return Walls(
        readable=places.readable,
        shown=((os.fspath(copy), os.fspath(place)),),
        writable=places.writable,
        environment=tuple(_environment(variables, os.environ, place).items()),
        directory=os.fspath(Path.cwd()),
        listen=() if control is None else control.listen,
        connect=() if control is None else control.connect,
        interfaces=control is not None and control.interfaces,
        gpus=places.gpus,
        limits=limits,
    )


def _limits(control: IsolationControl) -> Limits:
    """Return the limits in the units of the kernel."""
    asked = control.limits
    return Limits(
        memory_bytes=_bytes(asked.memory_mib),
        processes=asked.processes,
        file_bytes=_bytes(asked.file_mib),
        open_files=asked.open_files,
        cpu_seconds=asked.cpu_seconds,
        temporary_bytes=_bytes(asked.tmp_mib),
        seconds=asked.seconds,
        together=asked.together or None,
    )


def _bytes(mib: int | None) -> int | None:
    return None if mib is None else mib << 20


def _python() -> Iterator[str]:
    """Yield where this interpreter is installed: the last step before the program needs it."""
    yield from dict.fromkeys((sys.prefix, sys.base_prefix, _package()))


def _believed(policy: Policy) -> Iterator[str]:
    """Yield the policy, and files that it goes by."""
    if policy.path is not None:
        yield policy.path
    yield from (os.fspath(policy.directory / name) for name in policy.believed)


def _started() -> Iterator[str]:
    """Yield what this process was started by, where its modules are, and engines' programs."""
    yield sys.executable
    # What is no file is how Python names what it was told on the command line.
    yield from (each for each in sys.argv[:1] if _is_file(Path(each)))
    yield from sys.path
    yield from (program for engine in ENGINES for program in engine.programs)


def _temporary() -> Iterator[str]:
    """Yield where engines and scanners are told what to do, and tell what they found."""
    with suppress(FileNotFoundError):  # there is none, so nobody is
        yield tempfile.gettempdir()


def _package() -> str:
    return os.fspath(Path(__file__).parents[2])


def _named(command: Sequence[str], root: Path, others: Sequence[str]) -> Iterator[str]:
    """
    Yield the program's own installation, and the files that the command line names.

    Not those of the model, which are seen as they were verified or not at all; not those of the
    machine's processes, as the program has its own; and not those that are reached through one of
    *others*, the model and places that programs may change: a link there leads where they wanted.
    """

    def own(path: Path) -> bool:
        found = path.resolve()
        if found.is_relative_to(root) or found.is_relative_to(_PROCESSES):
            return True
        return leads_through(path, others)

    program = Path(command[0])
    if "/" in command[0] and program.exists() and not own(program):
        yield os.path.abspath(program)  # noqa: PTH100  links are not followed: its name counts
        yield os.path.realpath(program)
        environment = program.absolute().parent.parent
        if (environment / "pyvenv.cfg").is_file():
            yield os.fspath(environment)
    for argument in command[1:]:
        named = Path(argument)
        if _is_file(named) and not own(named):
            yield os.path.abspath(named)  # noqa: PTH100
            yield os.path.realpath(named)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # too long for a name, or not ours to look at
        return False


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
