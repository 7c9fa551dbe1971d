"""Attempts at the model: its files, and those beside it that were not verified."""

import contextlib
import ctypes
import fcntl
import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import Refused, action, call


@action
def write_into_model(where: dict[str, Any]) -> None:
    """Make a file beside the weights."""
    Path(where["model"], "added.bin").write_text("x", "utf-8")


@action
def change_model(where: dict[str, Any]) -> None:
    """Open a weight file for writing, as it is or after a change of its mode."""
    path = Path(where["weights"])
    with contextlib.suppress(OSError):
        path.chmod(0o666)
    with path.open("r+b") as file:
        file.write(b"x")


@action
def replace_model(where: dict[str, Any]) -> None:
    """Rename another file over a weight file."""
    own = Path(tempfile.mkdtemp(dir=Path(where["model"]).parent), "x")
    own.write_bytes(b"x")
    own.replace(where["weights"])


@action
def read_unsigned_file(where: dict[str, Any]) -> None:
    """Read a file that lies beside the weights and was not verified."""
    Path(where["unsigned"]).read_bytes()


@action
def change_flags(where: dict[str, Any]) -> None:
    """Change the flags of a file that may be read."""
    flags = bytearray(8)
    with Path(where["weights"]).open("rb") as file:
        fcntl.ioctl(file, 0x80086601, flags)
        fcntl.ioctl(file, 0x40086602, bytes(flags))


@action
def reopen_model(where: dict[str, Any]) -> None:
    """Open a weight file for writing by way of a descriptor that one reads it by."""
    with Path(where["weights"]).open("rb") as file:
        os.close(os.open(f"/proc/self/fd/{file.fileno()}", os.O_WRONLY))


@action
def exchange_model(where: dict[str, Any]) -> None:
    """Exchange a weight file for another one, or give it another name."""
    own = Path(tempfile.mkdtemp(), "x")
    own.write_bytes(b"x")
    names = [ctypes.c_char_p(os.fsencode(path)) for path in (own, where["weights"])]
    call(316, 276, -100, names[0], -100, names[1], 2)


@action
def change_mapped_model(where: dict[str, Any]) -> None:
    """Change a weight file in memory that is shared with it, past the memory's protection."""
    with Path(where["weights"]).open("rb") as file:
        shared = mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
        address = _address_of(where["weights"])
        with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
            memory.seek(address)
            memory.write(b"x")
        if shared[:1] != b"x":
            raise Refused("the file is as it was")


def _address_of(path: str) -> int:
    """Return where a file is mapped."""
    for line in Path("/proc/self/maps").read_text("utf-8").splitlines():
        if line.endswith(path) or Path(path).name in line:
            return int(line.partition("-")[0], 16)
    raise Refused("it is not mapped")


@action
def splice_over_model(where: dict[str, Any]) -> None:
    """Write to a pipe that holds pages of a weight file, which then would change with it."""
    reader, writer = os.pipe()
    with Path(where["weights"]).open("rb") as file:
        before = file.read()
        os.splice(file.fileno(), writer, 1, offset_src=0)
        os.write(writer, b"x" * len(before))
        file.seek(0)
        if file.read() == before:
            raise Refused("the file is as it was")
    os.read(reader, 1)


@action
def annotate_model(where: dict[str, Any]) -> None:
    """Annotate a weight file, or change its times."""
    with contextlib.suppress(OSError):
        os.setxattr(where["weights"], "user.changed", b"x")
        if os.getxattr(where["weights"], "user.changed") == b"x":
            return
    os.utime(where["weights"], (1, 1))
    if Path(where["weights"]).stat().st_mtime != 1:
        raise Refused("it was said to be done, and was not")


@action
def lease_model(where: dict[str, Any]) -> None:
    """Hold up whoever wants to write a weight file outside, by a lease on it."""
    with Path(where["weights"]).open("rb") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
