"""Attempts at the kernel: its interfaces, settings and messages."""

import contextlib
import ctypes
import errno
import mmap
import os
import resource
import struct
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
