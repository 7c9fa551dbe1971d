"""
What an attacker does to a model on disk, and its undoing.

Each context manager does one thing on entry and restores the very bytes on exit, so that one
copy of a large model serves every attack.
"""

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def flipped_bit(path: Path, *, offset: int) -> Iterator[None]:
    """Flip the lowest bit of the byte at *offset*."""
    with path.open("r+b") as stream:
        stream.seek(offset)
        original = stream.read(1)
    with overwritten(path, offset=offset, content=bytes([original[0] ^ 1])):
        yield


@contextmanager
def overwritten(path: Path, *, offset: int, content: bytes) -> Iterator[None]:
    """Write *content* over the bytes from *offset*, in place: same inode, same size."""
    with path.open("r+b") as stream:
        stream.seek(offset)
        original = stream.read(len(content))
        if len(original) != len(content):
            raise ValueError("the file ends before the bytes to overwrite do")
        stream.seek(offset)
        stream.write(content)
    try:
        yield
    finally:
        with path.open("r+b") as stream:
            stream.seek(offset)
            stream.write(original)


@contextmanager
def added(path: Path, *, content: bytes) -> Iterator[None]:
    """Add a file that was not there."""
    with path.open("xb") as stream:
        stream.write(content)
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def renamed(path: Path, *, to: Path) -> Iterator[None]:
    """Give a file another name; its bytes stay as they are."""
    if to.exists():
        raise FileExistsError(to)
    path.rename(to)
    try:
        yield
    finally:
        to.rename(path)


@contextmanager
def replaced(path: Path, *, content: bytes) -> Iterator[None]:
    """Replace the content of a small file."""
    original = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(original)


@contextmanager
def swapped(path: Path, *, offset: int, content: bytes, spare: Path) -> Iterator[None]:
    """
    Put another file in the place of *path*, in one step, as a deployment would.

    The other file is a copy with *content* at *offset*; *spare* names a place on the same file
    system where the copy is made and the original waits.
    """
    shutil.copyfile(path, spare)
    with spare.open("r+b") as stream:
        stream.seek(offset)
        stream.write(content)
    aside = spare.with_name(f"{spare.name}.original")
    os.link(path, aside)
    spare.replace(path)
    try:
        yield
    finally:
        aside.replace(path)


def malicious_pickle(marker: Path) -> bytes:
    """
    Return a pickle that runs a command when it is loaded; the command only makes *marker*.

    Protocol 0, GLOBAL and REDUCE: the shape of most malicious checkpoints seen in the wild.
    """
    command = f"touch -- {shlex.quote(str(marker))}"
    literal = command.replace("\\", "\\u005c").replace("\n", "\\u000a")
    return b"cposix\nsystem\n(V" + literal.encode("raw-unicode-escape") + b"\ntR."
