"""Attempts at more rights, and other programs."""

import ctypes
import os
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import LIBRARY, Refused, action, call


@action
def user_namespace(where: dict[str, Any]) -> None:
    """Become root of a new user namespace."""
    del where
    if LIBRARY.unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


@action
def clone_user_namespace(where: dict[str, Any]) -> None:
    """The same by the newer call, whose flags no filter can see."""
    del where
    arguments = ctypes.create_string_buffer(
        struct.pack("QQQQQQQQ", 0x10000000, 0, 0, 0, 17, 0, 0, 0)
    )
    child = call(435, 435, arguments, 64)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


@action
def mount(where: dict[str, Any]) -> None:
    """Mount something."""
    del where
    place = tempfile.mkdtemp().encode()
    if LIBRARY.mount(b"none", place, b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


@action
def make_device(where: dict[str, Any]) -> None:
    """Make a device node of the first disk and read it."""
    path = Path(tempfile.mkdtemp(), "disk")
    os.mknod(path, 0o600 | 0o060000, os.makedev(*where["disk"]))
    os.read(os.open(path, os.O_RDONLY), 1)


@action
def run_as_owner(where: dict[str, Any]) -> None:
    """Make a program that runs as its owner, whoever starts it, as one could leave behind."""
    del where
    program = Path(tempfile.mkdtemp(), "program")
    program.touch()
    program.chmod(0o4755)
    if not program.stat().st_mode & 0o4000:
        raise Refused("it would run as who starts it")


@action
def set_user_id(where: dict[str, Any]) -> None:
    """Become another user."""
    del where
    os.setuid(12345 if os.geteuid() != 12345 else 0)


@action
def new_privileges(where: dict[str, Any]) -> None:
    """See whether programs may still give more rights."""
    del where
    found = LIBRARY.prctl(39, 0, 0, 0, 0)
    if found < 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if found == 1:
        raise Refused("no_new_privs is set")


@action
def capabilities(where: dict[str, Any]) -> None:
    """See whether there is any capability over the machine."""
    del where
    text = Path("/proc/self/status").read_text("utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("CapEff")]
    if int(line.split()[1], 16) == 0:
        raise Refused("none")


@action
def memfd_execute(where: dict[str, Any]) -> None:
    """Run a program that is in no file system."""
    del where
    place = os.memfd_create("x")
    os.write(place, Path("/bin/true").read_bytes())
    if subprocess.run([f"/proc/self/fd/{place}"], pass_fds=[place], check=False).returncode:
        raise Refused("it did not run")


@action
def run_shell(where: dict[str, Any]) -> None:
    """Run a shell."""
    del where
    if subprocess.run(["/bin/sh", "-c", "exit 0"], check=False).returncode:
        raise Refused("it did not run")
