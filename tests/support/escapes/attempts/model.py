"""Attempts at the model: its files, and those beside it that were not verified."""

import contextlib
import fcntl
import tempfile
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import action


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
