"""Attempts at files outside."""

import contextlib
import ctypes
import fcntl
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import LIBRARY, Refused, action, call

_FLAGS, _RANGE, _PAGES = (ctypes.c_uint64 * count for count in (3, 2, 5))
"""`struct file_attr`, `struct cachestat_range` and `struct cachestat`."""


@action
def write_outside(where: dict[str, Any]) -> None:
    """Make a file in a directory outside."""
    Path(where["outside"], "written").write_text("x", "utf-8")


@action
def write_shell_startup(where: dict[str, Any]) -> None:
    """Append to a shell's start-up file."""
    with Path(where["home"], ".bashrc").open("a") as file:
        file.write("# x\n")


@action
def read_secret_file(where: dict[str, Any]) -> None:
    """Read a file with a secret."""
    if Path(where["secret"]).read_text("utf-8") != where["secret_text"]:
        raise Refused("it is another file")


@action
def list_home(where: dict[str, Any]) -> None:
    """List a home directory with something in it."""
    if not any(entry.name == ".bashrc" for entry in Path(where["home"]).iterdir()):
        raise Refused("it is empty")


@action
def use_inherited_descriptor(where: dict[str, Any]) -> None:
    """Read a file by a descriptor that was left open."""
    if where["secret_text"].encode() not in os.pread(where["descriptor"], 100, 0):
        raise Refused("it is another file")


@action
def leave_by_open_directory(where: dict[str, Any]) -> None:
    """Open a file below a directory descriptor that was left open."""
    opened = os.open(Path(where["secret"]).name, os.O_RDONLY, dir_fd=where["directory_descriptor"])
    os.close(opened)


@action
def open_by_handle(where: dict[str, Any]) -> None:
    """Open a file by its handle, past all names."""
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    call(303, 264, -100, ctypes.c_char_p(where["outside"].encode()), handle, ctypes.byref(mount), 0)
    place = os.open("/", os.O_RDONLY)
    os.close(call(304, 265, place, handle, os.O_RDONLY))


@action
def change_mode(where: dict[str, Any]) -> None:
    """Change the mode of a file outside."""
    Path(where["secret"]).chmod(0o711)
    if Path(where["secret"]).stat().st_mode & 0o777 != 0o711:
        raise Refused("it was said to be done, and was not")


@action
def change_times(where: dict[str, Any]) -> None:
    """Change the times of a file outside."""
    os.utime(where["secret"], (1, 1))
    if Path(where["secret"]).stat().st_mtime != 1:
        raise Refused("it was said to be done, and was not")


@action
def read_attributes(where: dict[str, Any]) -> None:
    """Read what a file outside is annotated with."""
    os.getxattr(where["secret"], "user.origin")


@action
def read_flags(where: dict[str, Any]) -> None:
    """Read the flags of a file outside, without opening it."""
    call(468, 468, -100, ctypes.c_char_p(where["secret"].encode()), _FLAGS(), 24, 0)


@action
def watch_memory_of_files(where: dict[str, Any]) -> None:
    """See whether others use a program of the system, by how much of it is in memory."""
    del where
    with Path("/bin/sh").open("rb") as file:
        call(451, 451, file.fileno(), _RANGE(), _PAGES(), 0)


@action
def watch_home(where: dict[str, Any]) -> None:
    """Have oneself told of the names of all files that are used in a home directory."""
    watcher = LIBRARY.inotify_init()
    if watcher < 0 or LIBRARY.inotify_add_watch(watcher, where["home"].encode(), 0x100) < 0:
        raise OSError(ctypes.get_errno(), "inotify")


@action
def watch_programs(where: dict[str, Any]) -> None:
    """Have oneself told whenever anybody on the machine runs a program of the system."""
    del where
    watcher = LIBRARY.inotify_init()
    if watcher < 0 or LIBRARY.inotify_add_watch(watcher, b"/usr/bin", 0x20) < 0:
        raise OSError(ctypes.get_errno(), "inotify")


@action
def open_for_neither(where: dict[str, Any]) -> None:
    """Open a file outside neither to read nor to write, which starts what devices do then."""
    os.close(os.open(where["secret"], os.O_ACCMODE))


@action
def hard_link(where: dict[str, Any]) -> None:
    """Give a file outside another name."""
    os.link(where["secret"], Path(where["outside"], "linked"))


@action
def read_by_link(where: dict[str, Any]) -> None:
    """Read a file outside by a link that one has made."""
    link = Path(tempfile.mkdtemp(), "link")
    link.symlink_to(where["secret"])
    link.read_bytes()


@action
def read_shared_memory_file(where: dict[str, Any]) -> None:
    """Read a file in the directory where programs share memory."""
    if Path(where["shared_file"]).read_text("utf-8") != where["secret_text"]:
        raise Refused("it is another file")


@action
def notify_of_home(where: dict[str, Any]) -> None:
    """Be signalled when something in a home directory changes."""
    directory = os.open(where["home"], os.O_RDONLY)
    fcntl.fcntl(directory, fcntl.F_NOTIFY, fcntl.DN_CREATE)


@action
def lock_outside(where: dict[str, Any]) -> None:
    """Lock a file outside, so that others wait for it."""
    opened = os.open(where["secret"], os.O_RDONLY)
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


@action
def open_device(where: dict[str, Any]) -> None:
    """Open a device of the machine: memory, messages, virtual machines, tunnels, disks."""
    del where
    names = ("mem", "port", "kmsg", "kvm", "fuse", "net/tun", "loop-control", "uinput", "vhost-net")
    for path in (*(Path("/dev", name) for name in names), *Path("/dev").glob("[svx][dv][a-z]")):
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDONLY))
            return
    raise Refused("there is none")


@action
def list_hardware(where: dict[str, Any]) -> None:
    """See the machine's interfaces and devices."""
    del where
    for name in ("class/net", "class/block", "bus/pci/devices"):
        with contextlib.suppress(OSError):
            if any(Path("/sys", name).iterdir()):
                return
    raise Refused("none of it is seen")
