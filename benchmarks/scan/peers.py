"""
Runs another scanner's own command over many files: `python -m benchmarks.scan.peers NAME < PATHS`.

Runs in that scanner's environment. Its modules are imported once; each path is scanned in a
child with the command's own entry point and arguments, whose exit code is the answer. A line of
`{"path", "code"}` each; the code is -1 where the child had to be ended.
"""

import importlib
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Peer:
    """
    A scanner's command.

    Attributes:
        requirement: What is installed: the scanner, and what it needs for its own formats.
        entry: Module and function of the console script.
        arguments: Before the path.
        blocking: Exit codes after which a careful caller does not load the file.
        directories: Whether it takes a directory.
        every: Scan every so many-th path only, where the command is too slow for all.
    """

    requirement: str
    entry: str
    arguments: tuple[str, ...]
    blocking: frozenset[int]
    directories: bool = True
    every: int = 1


PEERS: Final = {
    "picklescan": Peer(
        "picklescan==1.0.5 numpy py7zr", "picklescan.cli:main", ("-p",), frozenset({1, 2})
    ),
    "picklescan --strict": Peer(
        "picklescan==1.0.5 numpy py7zr",
        "picklescan.cli:main",
        ("--strict", "-p"),
        frozenset({1, 2}),
    ),
    "modelscan": Peer("modelscan==0.8.8", "modelscan.cli:main", ("scan", "-p"), frozenset({1, 2})),
    "fickling": Peer(
        "fickling==0.1.12 typing_extensions",
        "fickling.__main__:main",
        ("--check-safety",),
        frozenset({1, 2}),
        directories=False,
    ),
    "hayward": Peer("hayward==1.4.1", "hayward.cli:main", ("scan",), frozenset({1, 2})),
    "hayward --fail-on-coverage": Peer(
        "hayward==1.4.1", "hayward.cli:main", ("scan", "--fail-on-coverage"), frozenset({1, 2})
    ),
    "modelaudit": Peer(
        "modelaudit==0.2.54", "modelaudit.cli:main", ("scan",), frozenset({1, 2}), every=25
    ),
}


def main() -> int:
    """Scan every path."""
    peer = PEERS[sys.argv[1]]
    module, _, function = peer.entry.partition(":")
    importlib.import_module(module)
    for line in sys.stdin:
        path = line.strip()
        code = scan(peer, path, module, function)
        sys.stdout.write(json.dumps({"path": path, "code": code}) + "\n")
        sys.stdout.flush()
    return 0


def scan(peer: Peer, path: str, module: str, function: str) -> int:
    """Return the exit code of the command for *path*."""
    child = os.fork()
    if child == 0:
        os._exit(_run(peer, path, module, function))
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _run(peer: Peer, path: str, module: str, function: str) -> int:
    """Run the command in this process; return its exit code."""
    sys.argv = [module, *peer.arguments, os.path.abspath(path)]  # noqa: PTH100  links stay as they are
    os.chdir(tempfile.gettempdir())  # some leave reports where they run
    with Path(os.devnull).open("w") as null, redirect_stdout(null), redirect_stderr(null):
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
        try:
            answer = getattr(importlib.import_module(module), function)()
        except SystemExit as error:
            answer = error.code
        except BaseException:  # noqa: BLE001  another program's crash is its answer
            return 2
    return answer if isinstance(answer, int) else int(answer is not None)


if __name__ == "__main__":
    sys.exit(main())
