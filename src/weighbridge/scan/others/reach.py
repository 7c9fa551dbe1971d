"""What another scanner has to read: the system, its own installation, and what it is told of."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_SYSTEM: Final = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/etc"),
    *("/nix/store", "/gnu/store", "/sys/devices/system/cpu"),
    *("/var/lib/clamav", "/var/lib/libmagic"),
)
"""Where systems keep what is installed; no home directory, and no data of services."""

_PROGRAMS: Final = "bin"
_INTERPRETED: Final = b"#!"
_MOST_LINE_BYTES: Final = 256
_ENVIRONMENT: Final = "pyvenv.cfg"
_MADE_WITH: Final = "home"


def readable_for(command: Sequence[str], /, *, root: Path) -> tuple[str, ...]:
    """
    Return the places that *command* reads, about the artifact *root*.

    Besides the system these are its program, the installations that this and its interpreter lie
    in, and what is named in full on the command line. A home directory is no installation.
    """
    found = dict.fromkeys(_SYSTEM)
    for program in _behind(Path(command[0])):
        found |= dict.fromkeys((os.fspath(program), os.path.realpath(program)))
        found |= dict.fromkeys(map(os.fspath, _installation(program)))
    for argument in command[1:]:
        named = argument.rpartition("=")[2]
        if os.path.isabs(named):  # noqa: PTH117  an argument, which may be no path
            found |= dict.fromkeys((named, os.path.realpath(named)))
    return (os.fspath(root), *(place for place in found if place not in _too_much()))


def _too_much() -> tuple[str, ...]:
    return ("/", os.path.realpath(Path("~").expanduser()))


def _behind(program: Path) -> Iterator[Path]:
    """Yield *program*, what it is a link to, and what runs it if it is a script."""
    yield program
    real = Path(os.path.realpath(program))
    if real != program:
        yield real
    try:
        with real.open("rb") as file:
            line = file.read(_MOST_LINE_BYTES).partition(b"\n")[0]
    except OSError:
        return
    words = line[len(_INTERPRETED) :].split() if line.startswith(_INTERPRETED) else []
    if words and os.path.isabs(words[0]):  # noqa: PTH117  bytes
        interpreter = Path(os.fsdecode(words[0]))
        yield from dict.fromkeys((interpreter, Path(os.path.realpath(interpreter))))


def _installation(program: Path) -> Iterator[Path]:
    """Yield the directory that *program* is installed in, and what an environment was made with."""
    if program.parent.name != _PROGRAMS:
        return
    place = program.parent.parent
    yield Path(os.path.realpath(place))
    try:
        lines = (place / _ENVIRONMENT).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == _MADE_WITH and os.path.isabs(value.strip()):  # noqa: PTH117  a setting
            yield Path(os.path.realpath(Path(value.strip()).parent))
