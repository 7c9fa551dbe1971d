"""Attempts at other processes: their memory, files, variables, limits and time."""

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import struct
from pathlib import Path
from typing import Any

from support.escapes.attempts.listing import LIBRARY, Refused, action, call

_STARTER = os.getppid()
"""Whoever started the program: by some engines a process outside that stays beside it."""


@action
def read_environment_secret(where: dict[str, Any]) -> None:
    """Find a secret among the own variables."""
    if where["variable"] not in os.environ:
        raise Refused("no such variable")


@action
def read_initial_environment(where: dict[str, Any]) -> None:
    """Find a secret in what the process was started with."""
    if where["variable"].encode() not in Path("/proc/self/environ").read_bytes():
        raise Refused("no such variable")


@action
def read_ancestors_environment(where: dict[str, Any]) -> None:
    """Find a secret in the variables of a process above."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if where["variable"].encode() in (entry / "environ").read_bytes():
                    return
            except OSError:
                continue
    raise Refused("no process has it")


@action
def read_victims_memory_file(where: dict[str, Any]) -> None:
    """Read the memory of another process by way of /proc."""
    with Path(f"/proc/{where['victim']}/mem").open("rb") as file:
        file.seek(where["victim_address"])
        if file.read(len(where["victim_text"])) != where["victim_text"].encode():
            raise Refused("it is another process")


@action
def see_victim(where: dict[str, Any]) -> None:
    """See another process of the user."""
    if where["victim_text"].encode() not in Path(f"/proc/{where['victim']}/cmdline").read_bytes():
        raise Refused("it is another process")


@action
def ptrace_attach(where: dict[str, Any]) -> None:
    """Trace another process."""
    pid = where["victim"]
    if LIBRARY.ptrace(16, ctypes.c_long(pid), None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0x40000000)
    LIBRARY.ptrace(17, ctypes.c_long(pid), None, None)


@action
def process_vm_read(where: dict[str, Any]) -> None:
    """Read the memory of another process."""
    size = len(where["victim_text"])
    own = ctypes.create_string_buffer(size)
    local = struct.pack("QQ", ctypes.addressof(own), size)
    remote = struct.pack("QQ", where["victim_address"], size)
    a, b = ctypes.create_string_buffer(local), ctypes.create_string_buffer(remote)
    call(310, 270, where["victim"], a, 1, b, 1, 0)
    if own.raw != where["victim_text"].encode():
        raise Refused("it is another process")


@action
def pidfd_take_descriptor(where: dict[str, Any]) -> None:
    """Take a descriptor out of another process."""
    process = call(434, 434, where["victim"], 0)
    os.close(call(438, 438, process, 0, 0))


@action
def reach_starter(where: dict[str, Any]) -> None:
    """Open the memory of the process that stays beside the program, or take a descriptor of it."""
    del where
    with contextlib.suppress(OSError):
        Path(f"/proc/{_STARTER}/mem").open("rb").close()
        return
    os.close(call(438, 438, call(434, 434, _STARTER, 0), 0, 0))


@action
def namespace_of_victim(where: dict[str, Any]) -> None:
    """Get hold of the files that another process sees, to enter them, by a descriptor of it."""
    os.close(fcntl.ioctl(call(434, 434, where["victim"], 0), 0xFF03, 0))


@action
def signal_victim(where: dict[str, Any]) -> None:
    """Send a signal to another process."""
    os.kill(where["victim"], signal.SIGUSR1)


@action
def read_by_others_root(where: dict[str, Any]) -> None:
    """Read a file outside by way of another process's root or open files."""
    for process in (1, os.getppid(), where["victim"]):
        for name in ("root", "cwd/../../../../../../../..", *(f"fd/{n}" for n in range(3, 20))):
            with contextlib.suppress(OSError):
                path = Path(f"/proc/{process}/{name}")
                if name.startswith("fd") and process != os.getppid():
                    path.read_bytes()
                    return
                if Path(f"{path}{where['secret']}").read_text("utf-8") == where["secret_text"]:
                    return
    raise Refused("no process leads there")


@action
def limit_victim(where: dict[str, Any]) -> None:
    """Change what another process may use, as its files or its time."""
    resource.prlimit(where["victim"], resource.RLIMIT_NOFILE, (256, 256))


@action
def slow_victim(where: dict[str, Any]) -> None:
    """Give another process less of the processor."""
    os.setpriority(os.PRIO_PROCESS, where["victim"], 3)


@action
def slow_group(where: dict[str, Any]) -> None:
    """Give all processes of the own group less of the processor, those outside with it."""
    del where
    os.setpriority(os.PRIO_PGRP, 0, 1)


@action
def schedule_victim(where: dict[str, Any]) -> None:
    """Have another process run only when the machine is idle, or on one processor."""
    for change in (
        lambda: os.sched_setscheduler(where["victim"], os.SCHED_BATCH, os.sched_param(0)),
        lambda: call(251, 30, 1, where["victim"], 3 << 13),
    ):
        with contextlib.suppress(OSError):
            change()
            return
    raise Refused("neither")


@action
def pin_victim(where: dict[str, Any]) -> None:
    """Have another process run on one processor alone."""
    victim = where["victim"]
    before = os.sched_getaffinity(victim)
    os.sched_setaffinity(victim, {max(before)})
    after = os.sched_getaffinity(victim)
    os.sched_setaffinity(victim, before)
    if len(after) != 1:
        raise Refused("it was said to be done, and was not")


@action
def shared_memory(where: dict[str, Any]) -> None:
    """Attach memory that a process of the same user shares, by its number."""
    LIBRARY.shmat.restype = ctypes.c_void_p
    address = LIBRARY.shmat(where["shared_memory"], None, 0)
    if address in {None, ctypes.c_void_p(-1).value}:
        raise OSError(ctypes.get_errno(), "shmat")
    if ctypes.string_at(address) != where["secret_text"].encode():
        raise Refused("it is something else")


@action
def message_queue(where: dict[str, Any]) -> None:
    """Take a message queue away from whoever has it."""
    call(241, 181, ctypes.c_char_p(where["queue"].encode()))


@action
def write_victims_memory(where: dict[str, Any]) -> None:
    """Write to the memory of another process what is there."""
    own = ctypes.create_string_buffer(where["victim_text"].encode())
    size = len(where["victim_text"])
    local = struct.pack("QQ", ctypes.addressof(own), size)
    remote = struct.pack("QQ", where["victim_address"], size)
    a, b = ctypes.create_string_buffer(local), ctypes.create_string_buffer(remote)
    call(311, 271, where["victim"], a, 1, b, 1, 0)


@action
def signal_by_descriptor(where: dict[str, Any]) -> None:
    """Send a signal to another process by a descriptor of it."""
    signal.pidfd_send_signal(os.pidfd_open(where["victim"]), signal.SIGUSR1)


@action
def signal_by_file(where: dict[str, Any]) -> None:
    """Have the kernel signal another process when something can be read."""
    reader, writer = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETOWN, where["victim"])
    fcntl.fcntl(reader, fcntl.F_SETSIG, signal.SIGUSR1)
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)
    os.write(writer, b"x")
    os.kill(where["victim"], 0)  # to whom it may not be sent, it is not sent, and nobody is told


@action
def compare_victim(where: dict[str, Any]) -> None:
    """Ask what another process shares with this one."""
    call(312, 272, os.getpid(), where["victim"], 1, 0, 0)


@action
def move_victims_pages(where: dict[str, Any]) -> None:
    """Ask where the memory of another process lies, or move it."""
    pages = ctypes.create_string_buffer(struct.pack("Q", where["victim_address"] & ~4095))
    status = ctypes.create_string_buffer(4)
    call(279, 239, where["victim"], 1, pages, 0, status, 0)


@action
def advise_victim(where: dict[str, Any]) -> None:
    """Have the memory of another process put aside."""
    page = struct.pack("QQ", where["victim_address"] & ~4095, 4096)
    call(440, 440, os.pidfd_open(where["victim"]), ctypes.create_string_buffer(page), 1, 20, 0)


@action
def expose_victim(where: dict[str, Any]) -> None:
    """Have another process be the first that is ended when memory runs out, as much as it is."""
    path = Path(f"/proc/{where['victim']}/oom_score_adj")
    path.write_text(path.read_text("utf-8"), "utf-8")
