"""File objects that a program hands to a loader: what the loader may read instead."""

import io
from collections.abc import Callable
from typing import Any

from weighbridge.core.errors import WeighbridgeError
from weighbridge.load.guard import net
from weighbridge.load.guard.scopes import Scope, working
from weighbridge.load.guard.watch import guard
from weighbridge.load.reader import open_held

Judge = Callable[[bytes], Scope]
"""Says what a loader of these bytes may ask for, or raises."""


def hand_over(file: Any, *, entry: str, judge: Judge) -> tuple[Any, Scope]:
    """
    Return what may be read instead of *file*, and what may be asked for while it is.

    A file on disk is admitted by the gate, and its verified bytes are read. What is no such file is
    read to its end, and judged.

    Raises:
        GuardDeniedError: The policy does not allow the file, or the scan finds something.
    """
    verified = Scope(what="a file", verified=True)
    if guard().is_verified(file) or guard().is_nested():
        return file, verified
    path = net.path_of(file)
    if path is not None:
        admission = guard().admit(path, entry=entry)
        if admission is None:
            return file, verified
        if isinstance(file, net.READERS):
            held = open_held(admission.held)
            held.seek(file.tell())
            return held, verified
    data = bytes(file.read())
    return io.BytesIO(data), judged(data, entry=entry, judge=judge)


def judged(data: bytes, *, entry: str, judge: Judge) -> Scope:
    """
    Return what a loader of the bytes *data* may ask for.

    Raises:
        GuardDeniedError: The scan finds something in them.
    """
    if not guard().is_nested():
        try:
            with working():
                scope = judge(data)
        except WeighbridgeError as error:
            guard().refuse(entry, error)
        else:
            guard().allow(entry, "judged")
            return scope
    return Scope(what="bytes in memory", verified=True)
