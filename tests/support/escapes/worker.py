"""
The same attempts out of the confinement of our own parsers, each in a worker of its own.

`serve` is what runs in such a worker; run as a program, this prints as JSON what came of each
action, and what the workers were kept to: `python worker.py CONFIGURATION`.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any, Final

sys.path.append(os.fspath(Path(__file__).parents[2]))

from support.escapes.attempts.__main__ import TOPICS
from support.escapes.attempts.listing import ACTIONS
from weighbridge.sandbox import launcher as launching
from weighbridge.sandbox.frames import FrameError, HangUpError, receive_frame, send_frame
from weighbridge.scan.worker.client import ALLOWANCE

TESTS: Final = sys.path[-1]
_ANSWER: Final = b"A"
_MOST: Final = 1 << 16


def serve(talk: socket.socket, /) -> None:
    """Try the one action that is ordered, and say what came of it."""
    try:
        _kind, order = receive_frame(talk, most=_MOST)
        name, where = json.loads(order)
        try:
            ACTIONS[name](where)
            said = "done"
        except BaseException as error:  # noqa: BLE001  whatever it is, it did not work
            said = f"refused: {type(error).__name__}: {error}"
        send_frame(talk, _ANSWER, said.encode()[:300])
    except HangUpError:
        return


def _attempt(launcher: launching.Launcher, name: str, where: dict[str, Any]) -> tuple[str, bool]:
    """Return what came of an action, and whether its worker was confined in every way."""
    worker = launcher.start()
    worker.talk.settimeout(None)
    try:
        send_frame(worker.talk, b"Q", json.dumps([name, where]).encode())
        _kind, said = receive_frame(worker.talk, most=_MOST)
        return said.decode(), worker.confinement.is_complete
    except FrameError:
        return f"refused: the worker {worker.end()}", worker.confinement.is_complete
    finally:
        worker.end()


def main(configuration: str) -> None:
    """Try all actions there are."""
    where = json.loads(configuration)
    found = launching.search_path()
    launching.search_path = lambda: [*found, TESTS]
    assert TOPICS, "they have listed their actions"
    results = {}
    complete = True
    with launching.Launcher("support.escapes.worker:serve", allowance=ALLOWANCE) as launcher:
        for name in ACTIONS:
            results[name], whole = _attempt(launcher, name, where)
            complete &= whole
    sys.stdout.write(json.dumps({"said": results, "complete": complete}))


if __name__ == "__main__":
    main(sys.argv[1])
