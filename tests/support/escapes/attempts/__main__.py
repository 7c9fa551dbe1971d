"""
Try every action once and print what came of it, as JSON: `done`, or `refused: WHY`.

Run as a program of its own: `python __main__.py CONFIGURATION`. Each action is tried in a child, so
that none can end the others.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, os.fspath(Path(__file__).parents[3]))

from support.escapes.attempts import (
    files,
    kernel,
    limits,
    model,
    network,
    processes,
    rights,
    sockets,
    terminal,
)
from support.escapes.attempts.listing import ACTIONS, SECONDS, Refused

TOPICS = (model, files, limits, network, sockets, processes, kernel, rights, terminal)
"""The modules whose actions are listed, in this order."""


def _attempt(name: str, where: dict[str, Any]) -> str:
    """Try *name* in a child of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            ACTIONS[name](where)
            said = "done"
        except Refused as error:
            said = f"refused: {error}"
        except BaseException as error:  # noqa: BLE001  whatever it is, it did not work
            said = f"refused: {type(error).__name__}: {error}"
        os.write(writer, said.encode()[:300])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return said or f"refused: ended with {status}"


def main(configuration: str) -> None:
    """Try all actions that the configuration names, or all there are."""
    where = json.loads(configuration)
    names = where.get("actions") or list(ACTIONS)
    results = {}
    for name in names:
        try:
            results[name] = _attempt(name, where)
        except OSError as error:
            results[name] = f"refused: no child: {error}"
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
