"""
Confined workers of all scans in a test process, forked by one server; those of conversions as well.

A server is a fresh interpreter that imports the scanner, which takes longer than most scans of
tests. It holds nothing of what its workers read, and each scan has workers of its own here too;
only the server is not started and ended by each.
"""

import os
import resource
import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Final
from unittest.mock import patch

from weighbridge.convert.worker import client as converting
from weighbridge.core.errors import OperationError
from weighbridge.sandbox.interface import Allowance
from weighbridge.sandbox.launcher import Launcher, search_path
from weighbridge.scan.worker import client as scanning

CLIENTS: Final[tuple[ModuleType, ...]] = (scanning, converting)
"""Who starts workers."""


class SharingLauncher(Launcher):
    """Starts workers by the server of a host, which stays when this one is closed."""

    def __init__(self, target: str, *, allowance: Allowance) -> None:
        super().__init__(target, allowance=allowance)
        self._host = _host_of(target, allowance)
        self._lock = self._host._lock  # one order at a time is asked of a server

    def prepare(self) -> None:
        """Start the server, and order nothing ahead: others would take the answer for theirs."""
        with self._lock:
            self._require_server()

    def close(self) -> None:
        """End the workers of this launcher."""
        self._closed = True
        for worker in self._workers.copy():
            worker.end()

    def _require_server(self) -> socket.socket:
        if self._closed:
            raise OperationError("a confined process cannot be started", found="it was closed")
        self._control = self._host._require_server()
        return self._control

    def _end_server(self) -> None:
        self._closed = True
        self._host._end_server()


_hosts: dict[tuple[object, ...], Launcher] = {}
_finding: Final = threading.Lock()


def _host_of(target: str, allowance: Allowance) -> Launcher:
    """Return who has the server for *target* as this process would start it now."""
    inherited = (os.environ.get("LD_LIBRARY_PATH"), resource.getrlimit(resource.RLIMIT_FSIZE))
    name = (target, sys.executable, *search_path(), *inherited)
    with _finding:
        host = _hosts.get(name)
        if host is None or not _lives(host):
            host = _hosts[name] = Launcher(target, allowance=allowance)
        return host


def _lives(host: Launcher) -> bool:
    """Tell whether the server of *host* can still be asked, or was not started yet."""
    if host._closed or host._control is None:
        return not host._closed
    with host._lock:  # otherwise it may be an answer for somebody else
        ended, _, _ = select.select([host._control], [], [], 0)
    if ended:
        host.close()
    return not ended


@contextmanager
def one_fork_server() -> Iterator[None]:
    """Have all scans of this process share a server meanwhile, and all conversions another one."""
    with ExitStack() as ends:
        for each in CLIENTS:
            ends.enter_context(patch.object(each, "Launcher", SharingLauncher))
        ends.callback(_end_hosts)
        yield


def _end_hosts() -> None:
    while _hosts:
        _hosts.popitem()[1].close()
