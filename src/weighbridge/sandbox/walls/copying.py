"""
Standard streams that are files, for engines that keep a place in files of their own.

A file that several programs write to in turn has one place that they share, as after `>` in a
shell. Behind another kernel a program would start at that place and leave it where it was, so that
whoever writes next writes over it. Through a pipe, and from there by this process, nothing is lost.
"""

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

_OUTPUT, _TALK = 1, 2
_BLOCK: Final = 1 << 16


@contextmanager
def piped_files() -> Iterator[tuple[int | None, int | None]]:
    """
    Give what a child gets as standard output and standard error; None for this process's own.

    On leaving, when the child and all that it has started have ended, everything is in the files.
    """
    with ExitStack() as stack:
        output = _piped(_OUTPUT, stack)
        same = output is not None and _is_same(_OUTPUT, _TALK)
        talk = output if same else _piped(_TALK, stack)
        yield output, talk


def _piped(target: int, stack: ExitStack) -> int | None:
    try:
        if not stat.S_ISREG(os.fstat(target).st_mode):
            return None
    except OSError:
        return None  # it is closed
    reader, writer = os.pipe()
    copying = threading.Thread(target=_copy, args=(reader, target))
    copying.start()
    stack.callback(copying.join)
    stack.callback(os.close, writer)
    return writer


def _is_same(one: int, other: int) -> bool:
    try:
        return os.path.samestat(os.fstat(one), os.fstat(other))
    except OSError:
        return False


def _copy(reader: int, target: int) -> None:
    # Where a disk is full the program is told as one is that writes to a pipe: it ends there.
    with os.fdopen(reader, "rb", buffering=0) as source, suppress(OSError):
        while block := source.read(_BLOCK):
            while block:
                block = block[os.write(target, block) :]
