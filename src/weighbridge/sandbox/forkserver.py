"""
The process that forks confined workers: a fresh interpreter, and nothing of its parent.

Started by `launcher` with a clean environment and one socket, it imports what workers need and
forks one whenever it is told to. It has one thread, holds none of its parent's memory, and never
sees a byte of what workers read. A worker confines itself before it talks to anybody.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from weighbridge.sandbox.confine import confine
from weighbridge.sandbox.frames import send_frame
from weighbridge.sandbox.interface import Allowance, Confinement, Serve
from weighbridge.sandbox.orders import CONTROL, HELLO, LIMIT, ORDER, REAP, REPLY

_LIBRARIES: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_COLLECT_AFTER: Final = 50_000


def main() -> None:
    """
    Serve until the starting process is gone; called by the code that `launcher` gives.

    That process is gone when the socket to it is closed. The kernel's signal for a parent's end
    is for the workers only: it is sent when the *thread* ends that started a process, and a
    caller's threads come and go.
    """
    target = sys.argv[1]
    _close_descriptors()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=CONTROL)
    module, _, name = target.partition(":")
    serve: Serve = getattr(importlib.import_module(module), name)
    gc.set_threshold(_COLLECT_AFTER)
    gc.freeze()
    gc.enable()  # not for the imports: see `launcher`
    while _obey(control, serve):
        pass


def _close_descriptors() -> None:
    """Close whatever else was inherited: a library in the parent may have left something open."""
    try:
        open_ones = [int(link.name) for link in Path("/proc/self/fd").iterdir()]
    except OSError:
        open_ones = list(range(3, 1024))
    for descriptor in open_ones:
        if descriptor > 2:  # noqa: PLR2004  the standard streams
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _obey(control: socket.socket, serve: Serve) -> bool:
    """Do what the next order says; return False when there will be no more."""
    order, descriptors, _flags, _address = socket.recv_fds(control, ORDER.size, 1)
    if len(order) < ORDER.size:
        return False
    kind, value, cpu_seconds, open_files, file_bytes = ORDER.unpack(order)
    if kind in {REAP, LIMIT}:
        done = _reap(value) if kind == REAP else _limit(value, file_bytes)
        control.sendall(REPLY.pack(done))
        return True
    allowance = Allowance(
        memory_bytes=value,
        cpu_seconds=cpu_seconds,
        open_files=open_files,
        file_bytes=file_bytes,
        readable=_readable(),
    )
    parent = os.getpid()
    child = os.fork()
    if not child:
        control.close()
        _become_worker(descriptors[0], serve, allowance, parent)
    os.close(descriptors[0])
    control.sendall(REPLY.pack(child))
    return True


def _reap(child: int) -> int:
    """End the worker *child* if it has not ended, and return how it did."""
    try:
        # Asked first whether it is a child: the number of one that was reaped may be anybody's.
        ended, status = os.waitpid(child, os.WNOHANG)
        if not ended:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
    except OSError:
        return -1
    return status


def _limit(child: int, file_bytes: int) -> int:
    """
    Let no file of the worker *child* grow beyond *file_bytes*; return 0, or -1 where it cannot be.

    It can be allowed more again, but never more than at first, nor than this process is.
    """
    own, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        # Of a child, ended or not, the number is nobody else's; see `_reap`.
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        _, most = resource.prlimit(child, resource.RLIMIT_FSIZE)
        wanted = [each for each in (file_bytes, own, most) if each != resource.RLIM_INFINITY]
        resource.prlimit(child, resource.RLIMIT_FSIZE, (min(wanted), most))
    except (OSError, AttributeError):
        return -1
    return 0


def _readable() -> tuple[str, ...]:
    """Return where modules and the libraries that they need are."""
    searched = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    places = (str(Path(os.__file__).parent), *sys.path, *_LIBRARIES, *searched)
    return tuple(dict.fromkeys(place for place in places if Path(place).is_absolute()))


def _become_worker(descriptor: int, serve: Serve, allowance: Allowance, parent: int) -> None:
    """Confine this process, say so, and serve; never returns."""
    status = 1
    sys.dont_write_bytecode = True  # what it imports from now on it could not keep
    try:
        # Made before: it asks the kernel what kind of socket this is.
        with socket.socket(fileno=descriptor) as talk:
            confinement = confine(allowance, parent=parent)
            send_frame(talk, HELLO, encode_confinement(confinement))
            serve(talk)
        status = 0
    finally:
        os._exit(status)


def encode_confinement(confinement: Confinement) -> bytes:
    """Return *confinement* as bytes."""
    return json.dumps(
        {
            "enforced": sorted(confinement.enforced),
            "refused": [[measure, reason] for measure, reason in confinement.refused],
        }
    ).encode()
