"""
Have a file opened behind walls, and read what comes back.

::

    verified bytes --sealed memory--> the process behind walls --memory file--> seal --> read

The process gets a descriptor of the verified bytes and one of an empty memory file that this
process has made. When it and everything that it started are gone, that file is sealed here, and
only then read: there is nobody left who could change it, and no word of it is believed.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    IsolationError,
    MalformedContentError,
    OperationError,
)
from weighbridge.core.limits.isolated import (
    ISOLATED_MEMORY_BYTES,
    ISOLATED_MEMORY_RATIO,
    MAX_ISOLATED_CPU_SECONDS,
    MAX_ISOLATED_FILES,
    MAX_ISOLATED_HEAD_BYTES,
    MAX_ISOLATED_RESULT_RATIO,
    MAX_ISOLATED_SECONDS,
    MAX_ISOLATED_SHOWN_BYTES,
    MAX_ISOLATED_TALK_BYTES,
    MIN_ISOLATED_RESULT_BYTES,
)
from weighbridge.core.limits.units import MIB
from weighbridge.core.values import frozen
from weighbridge.load.held import HeldFile
from weighbridge.load.isolated.child import FINE
from weighbridge.load.isolated.reading import AsStored, Build, read_result
from weighbridge.load.memfd import (
    Descriptor,
    SealedMemory,
    create_memory_file,
    seal_memory_file,
    write_memory_file,
)
from weighbridge.sandbox import failures
from weighbridge.sandbox.launcher import search_path
from weighbridge.sandbox.walls.engines import choose_engine
from weighbridge.sandbox.walls.errand import Ended, Errand, run_errand
from weighbridge.sandbox.walls.interface import Engine, Limits, Strength, Walls
from weighbridge.sandbox.walls.starting import PACKAGE

_SYSTEM: Final = (
    *("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf"),
    *("/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime"),
)
"""What an interpreter and compiled packages are linked with; no programs but its own."""

_VARIABLES: Final = (
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("HOME", "/nonexistent"),
    ("PATH", "/usr/bin"),
    # One thread each: nothing is computed, and each would count as a process.
    *((f"{name}_NUM_THREADS", "1") for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")),
    ("CUDA_VISIBLE_DEVICES", ""),
)
_CODE: Final = (
    "import sys; sys.path.append(sys.argv[2]); "
    "from weighbridge.load.isolated.child import main; main(sys.argv[1])"
)
_FLAGS: Final = ("-I", "-S", "-B", "-X", "utf8")
_KILLED: Final = 128


@frozen
class Opening:
    """
    How a file is opened.

    Attributes:
        judged: Whether only what the allow-list lists is given to it; if not, anything is.
        engine: Name of the engine; None for the strongest that works here.
        admitted: Names of the engines that may be taken, the preferred first; empty for any.
        limits: How much the process may use, where less or more than usual; its memory by what its
            size lets expect.
        hidden: Places that may not be seen: where the model lies with what was not verified.
    """

    judged: bool = True
    engine: str | None = None
    admitted: tuple[str, ...] = ()
    limits: Limits = Limits()
    hidden: tuple[str, ...] = ()


@frozen
class Opened:
    """
    What came back.

    Attributes:
        value: Plain values; see `plain`.
        strength: What the process was kept to.
    """

    value: object
    strength: Strength


def open_isolated(
    held: HeldFile,
    file_format: FileFormat,
    /,
    how: Opening,
    *,
    name: str,
    where: str,
    build: Build | None = None,
) -> Opened:
    """
    Return what the file *held* holds, as plain values; it is opened by a process behind walls.

    May be called from any thread. This process parses nothing of the file, and imports nothing
    that it names.

    Args:
        held: The verified bytes.
        file_format: One of `opening.FORMATS`.
        how: How it is opened.
        name: The file's base name.
        where: The file, for errors.
        build: Makes arrays of what is stored; by default it is left as it is stored.

    Raises:
        ArtifactRefusedError: The file asks for what is not on the allow-list; nothing of it ran.
        IsolationError: Walls that are strong enough cannot be put up here; nothing was opened.
        MalformedContentError: It breaks its format, or what came back is not of the form.
        LimitExceededError: The process met a bound, or took too long.
        IndeterminateError: The process ended without an answer.
        OperationError: The reader of such files does not take it, or a package is missing.
    """
    # What works here has every wall that there has to be; see `walls.interface.REQUIRED`.
    engine, strength = choose_engine(how.engine, admitted=how.admitted)
    room = max(MIN_ISOLATED_RESULT_BYTES, MAX_ISOLATED_RESULT_RATIO * held.size)
    given = _sealed(held)
    result = create_memory_file(0)
    if result is None:
        raise OperationError("there are no memory files here", hint="It takes Linux")
    order = {
        "judged": how.judged,
        "format": str(file_format),
        "name": name,
        "where": where,
        "room": room,
        "search": search_path(),
        "readable": _readable(),
        "memory": _memory(how, held.size),
    }
    with _hidden(how, engine) as shown:
        errand = Errand(
            engine=engine.name,
            command=_command(order),
            walls=_walls(how, held.size, room=room, shown=shown),
            seconds=how.limits.seconds or MAX_ISOLATED_SECONDS,
            talk_bytes=MAX_ISOLATED_TALK_BYTES,
        )
        ended = run_errand(errand, given=given, result=result)
    _require_answer(ended, where=where)
    block = HeldFile(_seal(result, room=room, where=where))
    return Opened(value=read_result(block, build or AsStored(), where=where), strength=strength)


def _command(order: dict[str, object]) -> tuple[str, ...]:
    python = os.path.realpath(sys.executable)
    return (python, *_FLAGS, "-c", _CODE, json.dumps(order), os.fspath(PACKAGE.parent))


def _readable() -> list[str]:
    """Return what an interpreter with the packages of this one is made of."""
    own = (os.path.realpath(sys.executable), sys.prefix, sys.base_prefix, sys.exec_prefix)
    return list(dict.fromkeys((*_SYSTEM, *own, *search_path())))


def _walls(how: Opening, size: int, *, room: int, shown: tuple[tuple[str, str], ...]) -> Walls:
    return Walls(
        readable=tuple(_readable()),
        shown=shown,
        environment=_VARIABLES,
        limits=replace(
            how.limits,
            memory_bytes=_memory(how, size),
            file_bytes=room + 2 * MAX_ISOLATED_HEAD_BYTES,
            open_files=how.limits.open_files or MAX_ISOLATED_FILES,
            cpu_seconds=how.limits.cpu_seconds or MAX_ISOLATED_CPU_SECONDS,
            # The caller of `run_errand` looks at the time, and ends it from outside.
            seconds=None,
        ),
    )


def _memory(how: Opening, size: int) -> int:
    return how.limits.memory_bytes or ISOLATED_MEMORY_BYTES + ISOLATED_MEMORY_RATIO * size


@contextmanager
def _hidden(how: Opening, engine: Engine) -> Iterator[tuple[tuple[str, str], ...]]:
    """
    Give what is shown in the place of what may not be seen: nothing.

    Raises:
        IsolationError: It would be seen, and the engine can hide nothing.
    """
    readable = [os.path.realpath(each) for each in _readable()]
    seen = {
        place: around
        for place in map(os.path.realpath, how.hidden)
        for around in readable
        if Path(place).is_relative_to(around)
    }
    for place, around in seen.items() if not engine.moves else ():
        raise IsolationError(
            "the model lies where the process may read, and without namespaces its unverified "
            "files cannot be hidden",
            where=place,
            found=f"{around} is readable",
            hint="Use the engine bubblewrap, or put the model elsewhere",
        )
    with ExitStack() as stack:
        shown = []
        for place in seen:
            empty = os.devnull
            if Path(place).is_dir():
                empty = stack.enter_context(TemporaryDirectory(prefix="weighbridge-"))
            shown.append((empty, place))
        yield tuple(shown)


def _sealed(held: HeldFile) -> Descriptor:
    """Return a descriptor, for reading alone, of sealed memory with the bytes of *held*."""
    memory = held.memory
    if isinstance(memory, SealedMemory):
        descriptor = memory.descriptor
    else:
        made = create_memory_file(held.size)
        if made is None:
            raise OperationError("there are no memory files here", hint="It takes Linux")
        for at in range(0, held.size, MIB):
            write_memory_file(made, held.read_at(at, MIB), offset=at)
        descriptor = seal_memory_file(made, size=held.size).descriptor
    try:
        return Descriptor(os.open(f"/proc/self/fd/{descriptor.number}", os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise OperationError(
            f"the bytes cannot be handed on: {error.strerror or error}", hint="It takes /proc"
        ) from error


def _require_answer(ended: Ended, *, where: str) -> None:
    """
    Refuse whatever a process has left that did not end by itself, and as one that has answered.

    Raises:
        LimitExceededError, IndeterminateError, MalformedContentError: It did not.
    """
    said = ended.said[-MAX_ISOLATED_SHOWN_BYTES:].decode("utf-8", "replace").strip() or None
    if ended.late:
        raise failures.took_too_long(where, found=said)
    if ended.loud:
        raise MalformedContentError(
            "the confined process wrote without an end, and was ended",
            code=Code.ISOLATED_ENDED,
            where=where,
            expected=f"at most {MAX_ISOLATED_TALK_BYTES} bytes to standard error",
        )
    if ended.exit_code != FINE:
        code = ended.exit_code or 0
        found = f"signal {code - _KILLED}" if code > _KILLED else f"exit code {code}"
        raise failures.ended(where, found=found, hint=f"It said: {said}" if said else None)


def _seal(result: Descriptor, *, room: int, where: str) -> SealedMemory:
    """
    Return what was handed back, which nobody can change any more.

    Raises:
        MalformedContentError: Somebody still could, or it is larger than it may be.
    """
    size = os.fstat(result.number).st_size
    if size > room + 2 * MAX_ISOLATED_HEAD_BYTES:
        raise _unsealed(where, f"{size} bytes")
    try:
        return seal_memory_file(result, size=size)
    except OperationError as error:
        raise _unsealed(where, error.message) from error


def _unsealed(where: str, found: str) -> MalformedContentError:
    return MalformedContentError(
        "what the confined process handed back cannot be sealed",
        code=Code.ISOLATED_MALFORMED,
        where=where,
        expected="memory that nobody else has",
        found=found,
    )
