"""Attempts at the kernel: its interfaces, settings and messages."""

import contextlib
import ctypes
import errno
import mmap
import os
import resource
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import LIBRARY, X86, Refused, action, call


@action
def io_uring(where: dict[str, Any]) -> None:
    """Make a ring through which calls go past the filter."""
    del where
    os.close(call(425, 425, 1, ctypes.create_string_buffer(120)))


@action
def bpf(where: dict[str, Any]) -> None:
    """Make a map in the kernel."""
    del where
    attributes = ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 8, 1) + bytes(104))
    os.close(call(321, 280, 0, attributes, 120))


@action
def perf_event(where: dict[str, Any]) -> None:
    """Count what the machine does."""
    del where
    attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 128, 0) + bytes(112))
    os.close(call(298, 241, attributes, 0, -1, -1, 0))


@action
def keyctl(where: dict[str, Any]) -> None:
    """Use the session's keyring."""
    del where
    call(250, 219, 0, -3, 0)


@action
def userfaultfd(where: dict[str, Any]) -> None:
    """Handle page faults, as exploits of the kernel do."""
    del where
    os.close(call(323, 282, 1))


@action
def load_module(where: dict[str, Any]) -> None:
    """Ask the kernel to load a module that is none; what refuses the call refuses it first."""
    del where
    try:
        call(175, 105, ctypes.create_string_buffer(8), 8, ctypes.c_char_p(b""))
    except OSError as error:
        if error.errno in {errno.ENOEXEC, errno.EINVAL}:
            return
        raise


@action
def set_time(where: dict[str, Any]) -> None:
    """Set the clock to what it says."""
    del where
    time.clock_settime(time.CLOCK_REALTIME, time.time())


@action
def core_pattern(where: dict[str, Any]) -> None:
    """Open the setting that names a program for the kernel to run, and write nothing."""
    del where
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))


@action
def core_dump(where: dict[str, Any]) -> None:
    """Have the kernel hand the memory of a crash to a program of the machine."""
    del where
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    if most == 1:  # the kernel's sign to itself that no dump is wanted
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if resource.getrlimit(resource.RLIMIT_CORE)[1] == 1:
            raise Refused("the limit stays")


@action
def kernel_facts(where: dict[str, Any]) -> None:
    """Read what the kernel tells of its keys, its memory and how it was started."""
    del where
    for name in ("keys", "kpagecount", "cmdline", "modules", "vmallocinfo"):
        with contextlib.suppress(OSError), Path("/proc", name).open("rb") as file:
            if file.read(8):
                return
    raise Refused("none of it")


@action
def kernel_log(where: dict[str, Any]) -> None:
    """Read the kernel's messages."""
    del where
    if LIBRARY.klogctl(3, ctypes.create_string_buffer(4096), 4096) < 0:
        raise OSError(ctypes.get_errno(), "klogctl")


@action
def old_calls(where: dict[str, Any]) -> None:
    """Make a system call as programs for 32 bits do."""
    del where
    if not X86:
        raise Refused("another machine")
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("53b814000000cd805bc3"))
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    if ctypes.CFUNCTYPE(ctypes.c_int)(address)() != os.getpid():
        raise Refused("no answer")


@action
def short_calls(where: dict[str, Any]) -> None:
    """Make a system call as programs with short addresses do."""
    del where
    if call(0x40000000 | 39, 0x40000000 | 39) != os.getpid():
        raise Refused("no answer")


@action
def new_mounts(where: dict[str, Any]) -> None:
    """Make a file system, or a copy of a part of the tree, by the newer calls."""
    del where
    for number, arguments in (
        (430, (ctypes.c_char_p(b"tmpfs"), 0)),
        (428, (-100, ctypes.c_char_p(b"/"), 1)),
    ):
        with contextlib.suppress(OSError):
            os.close(call(number, number, *arguments))
            return
    raise Refused("neither")


@action
def list_mounts(where: dict[str, Any]) -> None:
    """See what is mounted, by the newer calls, which need no file of the kernel's."""
    del where
    asked = ctypes.create_string_buffer(struct.pack("=IIQQ", 24, 0, 2**64 - 1, 0))
    if not call(458, 458, asked, (ctypes.c_uint64 * 8)(), 8, 0):
        raise Refused("there is none")


@action
def change_root(where: dict[str, Any]) -> None:
    """Have another directory for the root of all files."""
    del where
    os.chroot(tempfile.mkdtemp())


@action
def swap(where: dict[str, Any]) -> None:
    """Have memory put into a file that is none for it; what refuses the call refuses it first."""
    del where
    with tempfile.NamedTemporaryFile() as file:
        try:
            call(167, 224, ctypes.c_char_p(os.fsencode(file.name)), 0)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise


@action
def restart(where: dict[str, Any]) -> None:
    """Restart the machine without the words for it; what refuses the call refuses it first."""
    del where
    try:
        call(169, 142, 0, 0, 0, 0)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


@action
def host_name(where: dict[str, Any]) -> None:
    """Give the machine the name that it has."""
    del where
    name = os.uname().nodename.encode()
    call(170, 161, ctypes.c_char_p(name), len(name))


@action
def quota(where: dict[str, Any]) -> None:
    """Ask for quotas of file systems; what refuses the call refuses it first."""
    del where
    try:
        call(443, 443, os.open("/", os.O_RDONLY), 0x800001, 0, None)
    except OSError as error:
        if error.errno not in {errno.ESRCH, errno.EINVAL, errno.ENODEV}:
            raise


@action
def watch_everything(where: dict[str, Any]) -> None:
    """Be told of what is done with all files of a file system."""
    del where
    os.close(call(300, 262, 0, 0))


@action
def request_key(where: dict[str, Any]) -> None:
    """Keep something with the kernel for later programs of the user, or ask for what they kept."""
    del where
    kind, name = ctypes.c_char_p(b"user"), ctypes.c_char_p(b"weighbridge-outside")
    call(248, 217, kind, name, ctypes.c_char_p(b"x"), 1, -2)


@action
def system_request(where: dict[str, Any]) -> None:
    """Open what restarts or dumps the machine when written to, and write nothing."""
    del where
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))


@action
def leave_group(where: dict[str, Any]) -> None:
    """Open what moves processes out of their control group, and move none."""
    del where
    for name in (
        "cgroup.procs",
        "pids/cgroup.procs",
        "memory/cgroup.procs",
        "unified/cgroup.procs",
    ):
        with contextlib.suppress(OSError):
            os.close(os.open(f"/sys/fs/cgroup/{name}", os.O_WRONLY))
            return
    raise Refused("there is none")


@action
def ports_of_the_machine(where: dict[str, Any]) -> None:
    """Talk to hardware past the kernel."""
    del where
    if not X86:
        raise Refused("another machine")
    call(173, 173, 0x80, 1, 1)


@action
def own_segments(where: dict[str, Any]) -> None:
    """Use calls of old programs for segments of memory, in which kernels had holes."""
    del where
    if not X86:
        raise Refused("another machine")
    call(154, 154, 0, ctypes.create_string_buffer(16), 16)
