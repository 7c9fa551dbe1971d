"""
Really unpickles hostile streams, in a child that can do no harm, and says what they reached.

The child's audit hook sees each name that an unpickler looks up and each act that reaches out
of the process, and prevents the act. Nothing that a stream names is left to run: names outside
the tripwire module and the allow-list raise before they are resolved.
"""

import gc
import io
import json
import os
import pickle
import resource
import select
import signal
import sys
import types
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from fuzz.mutation import TRIPWIRE

_SECONDS: Final = 2
_MEMORY: Final = 3 * 1024**3

_ACTS: Final = frozenset(
    [
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.fork",
        "subprocess.Popen",
        "pty.spawn",
        "socket.connect",
        "socket.getaddrinfo",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.link",
        "os.symlink",
        "os.chmod",
        "os.truncate",
        "os.putenv",
        "os.unsetenv",
        "os.kill",
        "shutil.rmtree",
        "shutil.copyfile",
        "ctypes.dlopen",
        "sqlite3.connect",
        "webbrowser.open",
        "urllib.Request",
    ]
)


@dataclass(frozen=True, slots=True)
class Reached:
    """
    What unpicklers reached in one stream.

    Attributes:
        names: Module and name of every look-up, as the stream spells them.
        acts: What the tripwire and the audit hook saw besides.
        died: Whether the child ended before it could say.
    """

    names: frozenset[tuple[str, str]]
    acts: frozenset[str]
    died: bool = False


Loader = Callable[[bytes], None]


def _from_bytes(data: bytes) -> None:
    pickle.loads(data)


def _from_buffer(data: bytes) -> None:
    pickle.Unpickler(io.BufferedReader(io.BytesIO(data), 64)).load()


def _from_stream(data: bytes) -> None:
    unpickler = pickle.Unpickler(io.BytesIO(data), encoding="latin-1")
    for _ in range(4):
        unpickler.load()


def _pure(data: bytes) -> None:
    unpickler = pickle._Unpickler(io.BytesIO(data), encoding="bytes")
    for _ in range(4):
        unpickler.load()


def _one_by_one(data: bytes) -> None:
    stream = io.BytesIO(data)
    for _ in range(4):
        pickle.load(stream)


LOADERS: Final[tuple[Loader, ...]] = (_from_bytes, _from_buffer, _from_stream, _pure, _one_by_one)


class Trip:
    """An object that any use of makes the tripwire speak."""

    def method(self, *_args: Any) -> None:
        """Speak."""
        _tripped("method")

    __setstate__ = __setitem__ = append = extend = add = update = __call__ = method


_found: set[tuple[str, str]] = set()
_tripped_by: set[str] = set()


def _tripped(what: str) -> None:
    _tripped_by.add(f"tripwire {what}")


def touch(*_args: Any) -> int:
    """Speak."""
    _tripped("touch")
    return 0


def _install(allowed: Callable[[str, str], bool]) -> None:
    """Put the tripwire module and the audit hook into this process, for good."""
    module = types.ModuleType(TRIPWIRE)
    Trip.__module__ = touch.__module__ = TRIPWIRE
    vars(module).update(touch=touch, Trip=Trip)
    sys.modules[TRIPWIRE] = module

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event == "pickle.find_class":
            name, attribute = str(args[0]), str(args[1])
            _found.add((name, attribute))
            if name != TRIPWIRE and not allowed(name, attribute):
                raise PermissionError("prevented")
        elif event in _ACTS:
            _tripped_by.add(event)
            raise PermissionError("prevented")
        elif (
            event == "open"
            and isinstance(args[2], int)
            and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ):
            _tripped_by.add("open for writing")
            raise PermissionError("prevented")

    sys.addaudithook(watch)


def reach(
    streams: Sequence[bytes],
    *,
    allowed: Callable[[str, str], bool],
    loaders: Sequence[Loader] = LOADERS,
) -> list[Reached]:
    """Load every stream with every loader, in as few children as it takes."""
    found: list[Reached] = []
    while len(found) < len(streams):
        rest = streams[len(found) :]
        answers, finished = _batch(rest, allowed, loaders)
        found += answers
        if not finished:
            found.append(Reached(frozenset(), frozenset(), died=True))
    return found


def _batch(
    streams: Sequence[bytes], allowed: Callable[[str, str], bool], loaders: Sequence[Loader]
) -> tuple[list[Reached], bool]:
    """Run one child; return the answers it gave and whether that is all of them."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _answer(streams, allowed, loaders, writer)
    os.close(writer)
    said = b""
    while True:
        ready, _, _ = select.select([reader], [], [], 3 * _SECONDS * len(loaders))
        block = os.read(reader, 1 << 16) if ready else b""
        if not block:
            break
        said += block
    os.close(reader)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    lines = said.split(b"\n")[:-1]
    answers = [json.loads(line) for line in lines]
    return [
        Reached(frozenset((m, n) for m, n in names), frozenset(acts)) for names, acts in answers
    ], len(answers) >= len(streams)


def _answer(
    streams: Sequence[bytes],
    allowed: Callable[[str, str], bool],
    loaders: Sequence[Loader],
    writer: int,
) -> NoReturn:
    """Load *streams* and write a line for each; never returns."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _give_up)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    gc.disable()
    _install(allowed)
    for data in streams:
        _found.clear()
        _tripped_by.clear()
        for load in loaders:
            signal.setitimer(signal.ITIMER_REAL, _SECONDS)
            # Hostile streams raise whatever they like; what they reached before is the answer.
            with suppress(BaseException):
                load(data)
            signal.setitimer(signal.ITIMER_REAL, 0)
        os.write(writer, json.dumps([sorted(_found), sorted(_tripped_by)]).encode() + b"\n")
    os._exit(0)


def _give_up(_number: int, _frame: object) -> None:
    raise TimeoutError
