"""
Programs that a guarded process starts: a Python among them that would leave the guard behind.

The start-up hook reaches a child by `PYTHONPATH` and a variable that names the order
(`pipeline.guard.order`), or, where the guard is installed in its environment, by a file there. A
child whose environment was cleaned, or that is told to look at none, is refused, also where the
first line of a script tells it. What is seen here is what a program says to `subprocess`,
`os.exec*`, `os.posix_spawn`, and what `multiprocessing` says below them (`entries.processes`);
docs/guard.md has the rest.
"""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from weighbridge.core.values import frozen
from weighbridge.load.guard.scopes import working
from weighbridge.load.guard.watch import state

ORDER_VARIABLE: Final = "WEIGHBRIDGE_GUARD"
"""Names the order: its digest, a colon, and the path of the file."""

PATH_VARIABLE: Final = "PYTHONPATH"

_PYTHON: Final = re.compile(r"(?:python|pypy)[0-9.]*(?:t|d|td|w|-dbg)?(?:\.exe)?")
_TAKES_VALUE: Final = frozenset("cmWX")
_LAST: Final = frozenset("cm")
_LONG_WITH_VALUE: Final = frozenset({"--check-hash-based-pycs"})
_INTERPRETERS: Final = 6
"""Programs that Linux looks at where each is a script of the next (execve(2): four within)."""

_FIRST_LINE_BYTES: Final = 256
"""What Linux reads of a script to find its interpreter (BINPRM_BUF_SIZE)."""


@frozen
class Heritage:
    """
    What a child needs to be guarded.

    Attributes:
        order: The value of the variable that names the order; empty where the guard is installed
            in this environment.
        start: The directory of the start-up hook.
    """

    order: str
    start: str


def objection_to(args: tuple[Any, ...], heritage: Heritage, *, folder: str = "") -> str | None:
    """
    Say why the program *args* may not be started, or return None.

    Args:
        args: Program, arguments and environment, as the audit events have them.
        heritage: What a child needs.
        folder: Where it is started; empty for the working directory.
    """
    program, arguments, environment = args
    words = _texts(arguments if isinstance(arguments, list | tuple) else [arguments])
    given = _environment(environment)
    name, options = _text(program) or (words[0] if words else ""), words[1:]
    for _ in range(_INTERPRETERS):
        place = _located(name, given, folder)
        if _is_python(name) or _is_python(os.path.realpath(place)):
            return _objection_to_python(interpreter_flags(options), given, heritage, folder)
        name, *options = _interpreter_of(place) or [""]
    return None


def _objection_to_python(
    flags: set[str], given: Mapping[str, str], heritage: Heritage, folder: str
) -> str | None:
    if "S" in flags:
        return "a Python that is told to run no start-up hook (-S)"
    if not heritage.order:
        return None
    if flags & {"I", "E"}:
        return "a Python that is told to look at no environment (-I, -E)"
    if given.get(ORDER_VARIABLE) != heritage.order:
        return f"a Python whose environment lacks {ORDER_VARIABLE}"
    places = given.get(PATH_VARIABLE, "").split(os.pathsep)
    if heritage.start not in places:
        return f"a Python whose {PATH_VARIABLE} lacks the start-up hook"
    front = places[: places.index(heritage.start)]
    if any(_customizes(os.path.join(folder, place)) for place in front):
        return f"a Python whose {PATH_VARIABLE} has another sitecustomize in front of the hook"
    return None


def _is_python(name: str) -> bool:
    return _PYTHON.fullmatch(os.path.basename(name)) is not None


def _located(name: str, environment: Mapping[str, str], folder: str) -> str:
    """Return the path of the program *name*, as far as it can be told."""
    if "/" in name:
        return os.path.join(folder, name)
    places = environment.get("PATH", os.defpath).split(os.pathsep)
    paths = (os.path.join(folder, place, name) for place in places)
    return next((path for path in paths if os.path.isfile(path)), name)


def _interpreter_of(path: str) -> list[str]:
    """Return the interpreter and the options that the script *path* names; else nothing."""
    if not os.path.isfile(path):
        return []
    try:
        with working(), state.open(path, "rb") as file:
            line = file.read(_FIRST_LINE_BYTES).partition(b"\n")[0]
    except OSError:
        return []
    if not line.startswith(b"#!"):
        return []
    words = os.fsdecode(line[2:]).split()
    if not words or os.path.basename(words[0]) != "env":
        return words
    rest = words[1:]
    while rest and (rest[0].startswith("-") or "=" in rest[0]):
        rest = rest[1:]
    return rest


def _customizes(place: str) -> bool:
    """Tell whether Python may find a `sitecustomize` in *place*; archives are not looked into."""
    if os.path.isfile(place):
        return True
    try:
        names = os.listdir(place or ".")
    except OSError:
        return False
    return any(name.partition(".")[0] == "sitecustomize" for name in names)


def interpreter_flags(arguments: Iterable[str]) -> set[str]:
    """Return the one-letter options of Python itself that *arguments* begin with."""
    flags: set[str] = set()
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word in {"-", "--"}:
            break
        if word.startswith("--"):
            if word in _LONG_WITH_VALUE:
                next(words, None)
            continue
        for position, letter in enumerate(word[1:], start=2):
            flags.add(letter)
            if letter in _LAST:
                return flags
            if letter in _TAKES_VALUE:
                if position == len(word):
                    next(words, None)
                break
    return flags


def _text(value: object) -> str:
    if type(value) is int:
        return f"/proc/self/fd/{value}"  # as `os.execve` takes a program
    try:
        return os.fsdecode(value)  # type: ignore[arg-type]  # anything but a path is a TypeError
    except TypeError:
        return ""


def _texts(values: Iterable[object]) -> list[str]:
    return [_text(value) for value in values]


def _environment(given: object) -> Mapping[str, str]:
    if isinstance(given, Mapping):
        return {_text(key): _text(value) for key, value in given.items()}
    return os.environ
