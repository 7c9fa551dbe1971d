"""
Try every action once and print what came of it, as JSON: `done`, or `refused: WHY`.

Run as a program of its own: `python attempts.py CONFIGURATION`. Each action is tried in a child, so
that none can end the others. Every action is harmless: it touches marker files, talks to listeners
on loopback, and looks at a victim made for it.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)
_X86: Final = os.uname().machine == "x86_64"
_SECONDS: Final = 20

Action = Callable[[dict[str, Any]], None]
ACTIONS: Final[dict[str, Action]] = {}


class Refused(Exception):  # noqa: N818  it is no error of this program
    """The action did not work."""


def action(function: Action) -> Action:
    """List *function* under its name."""
    ACTIONS[function.__name__.replace("_", "-")] = function
    return function


def call(x86: int, arm: int, *arguments: Any) -> int:
    """Make a system call by its number."""
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(_LIBRARY.syscall(ctypes.c_long(x86 if _X86 else arm), *values))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


# -- files -------------------------------------------------------------------------------------


@action
def write_outside(where: dict[str, Any]) -> None:
    """Make a file in a directory outside."""
    Path(where["outside"], "written").write_text("x", "utf-8")


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
def read_unsigned_file(where: dict[str, Any]) -> None:
    """Read a file that lies beside the weights and was not verified."""
    Path(where["unsigned"]).read_bytes()


@action
def list_home(where: dict[str, Any]) -> None:
    """List a home directory with something in it."""
    if not any(entry.name == ".bashrc" for entry in Path(where["home"]).iterdir()):
        raise Refused("it is empty")


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
def make_device(where: dict[str, Any]) -> None:
    """Make a device node of the first disk and read it."""
    path = Path(tempfile.mkdtemp(), "disk")
    os.mknod(path, 0o600 | 0o060000, os.makedev(*where["disk"]))
    os.read(os.open(path, os.O_RDONLY), 1)


@action
def fill_disk(where: dict[str, Any]) -> None:
    """Write more to the own temporary directory than was allowed."""
    with tempfile.TemporaryFile() as file:
        block = bytes(1 << 20)
        for _ in range(where["disk_mib"] + 1):
            file.write(block)
        file.flush()


@action
def fill_memory(where: dict[str, Any]) -> None:
    """Take and touch more memory than was allowed."""
    taken = [bytearray(os.urandom(1) * (1 << 20)) for _ in range(where["memory_mib"] + 1)]
    del taken


@action
def fork_bomb(where: dict[str, Any]) -> None:
    """Start more processes than were allowed; they wait and end."""
    started: list[int] = []
    try:
        for _ in range(where["processes"] + 1):
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            started.append(child)
    finally:
        for each in started:
            os.kill(each, signal.SIGKILL)
            os.waitpid(each, 0)


# -- network -----------------------------------------------------------------------------------


def _talk(family: int, kind: int, address: Any, protocol: int = 0) -> None:
    with socket.socket(family, kind, protocol) as client:
        client.settimeout(_SECONDS)
        client.connect(address)
        # Whoever listens has seen it by now, and may have hung up.
        with contextlib.suppress(ConnectionError):
            client.sendall(b"escaped")


@action
def tcp4(where: dict[str, Any]) -> None:
    """Connect by TCP over IPv4."""
    _talk(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", where["tcp4"]))


@action
def tcp6(where: dict[str, Any]) -> None:
    """Connect by TCP over IPv6."""
    _talk(socket.AF_INET6, socket.SOCK_STREAM, ("::1", where["tcp6"]))


@action
def mptcp(where: dict[str, Any]) -> None:
    """Connect by multipath TCP, which Landlock does not see."""
    _talk(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", where["mptcp"]), 262)


@action
def fast_open(where: dict[str, Any]) -> None:
    """Send with the first packet, without a call to connect."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.sendto(b"escaped", 0x20000000, ("127.0.0.1", where["tcp4"]))


@action
def udp(where: dict[str, Any]) -> None:
    """Send a datagram over IPv4."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"escaped", ("127.0.0.1", where["udp"]))


@action
def dns(where: dict[str, Any]) -> None:
    """Ask a name server that listens on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\7escaped\0\0\1\0\1"
        client.sendto(query, ("127.0.0.1", where["udp"]))


@action
def raw_socket(where: dict[str, Any]) -> None:
    """Make a raw socket."""
    del where
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


@action
def packet_socket(where: dict[str, Any]) -> None:
    """Make a socket for whole packets."""
    del where
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()


@action
def netlink(where: dict[str, Any]) -> None:
    """Ask the kernel for its interfaces."""
    del where
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()


@action
def vsock(where: dict[str, Any]) -> None:
    """Make a socket to the machine's host."""
    del where
    socket.socket(40, socket.SOCK_STREAM).close()


@action
def alg_socket(where: dict[str, Any]) -> None:
    """Make a socket to the kernel's cryptography."""
    del where
    socket.socket(38, socket.SOCK_SEQPACKET).close()


@action
def abstract_socket(where: dict[str, Any]) -> None:
    """Connect to a Unix socket without a place in the file system."""
    _talk(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + where["abstract"])


@action
def path_socket(where: dict[str, Any]) -> None:
    """Connect to a Unix socket in a directory, as a container daemon has."""
    _talk(socket.AF_UNIX, socket.SOCK_STREAM, where["socket"])


@action
def listen(where: dict[str, Any]) -> None:
    """Accept connections from the machine."""
    del where
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()


@action
def metadata_address(where: dict[str, Any]) -> None:
    """Reach the address at which clouds give out credentials; any answer of the network counts."""
    del where
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(("169.254.169.254", 80))
        except TimeoutError:
            return  # the packet left


# -- other processes ---------------------------------------------------------------------------


@action
def ptrace_attach(where: dict[str, Any]) -> None:
    """Trace another process."""
    pid = where["victim"]
    if _LIBRARY.ptrace(16, ctypes.c_long(pid), None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0x40000000)
    _LIBRARY.ptrace(17, ctypes.c_long(pid), None, None)


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
def signal_victim(where: dict[str, Any]) -> None:
    """Send a signal to another process."""
    os.kill(where["victim"], signal.SIGUSR1)


# -- the kernel --------------------------------------------------------------------------------


@action
def io_uring(where: dict[str, Any]) -> None:
    """Make a ring through which calls go past the filter."""
    del where
    os.close(call(425, 425, 1, ctypes.create_string_buffer(120)))


@action
def user_namespace(where: dict[str, Any]) -> None:
    """Become root of a new user namespace."""
    del where
    if _LIBRARY.unshare(0x10000000) != 0:
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
    if _LIBRARY.mount(b"none", place, b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


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


@action
def set_user_id(where: dict[str, Any]) -> None:
    """Become another user."""
    del where
    os.setuid(12345 if os.geteuid() != 12345 else 0)


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
def type_into_terminal(where: dict[str, Any]) -> None:
    """Put characters into the terminal's input."""
    fcntl.ioctl(where["terminal"], 0x5412, b"#")


@action
def set_time(where: dict[str, Any]) -> None:
    """Set the clock to what it says."""
    del where
    time.clock_settime(time.CLOCK_REALTIME, time.time())


@action
def new_privileges(where: dict[str, Any]) -> None:
    """See whether programs may still give more rights."""
    del where
    if _LIBRARY.prctl(39, 0, 0, 0, 0) == 1:
        raise Refused("no_new_privs is set")


@action
def capabilities(where: dict[str, Any]) -> None:
    """See whether there is any capability over the machine."""
    del where
    text = Path("/proc/self/status").read_text("utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("CapEff")]
    if int(line.split()[1], 16) == 0:
        raise Refused("none")


# -- what Landlock does not see ----------------------------------------------------------------


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
def change_flags(where: dict[str, Any]) -> None:
    """Change the flags of a file that may be read."""
    flags = bytearray(8)
    with Path(where["weights"]).open("rb") as file:
        fcntl.ioctl(file, 0x80086601, flags)
        fcntl.ioctl(file, 0x40086602, bytes(flags))


@action
def watch_home(where: dict[str, Any]) -> None:
    """Have oneself told of the names of all files that are used in a home directory."""
    watcher = _LIBRARY.inotify_init()
    if watcher < 0 or _LIBRARY.inotify_add_watch(watcher, where["home"].encode(), 0x100) < 0:
        raise OSError(ctypes.get_errno(), "inotify")


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
def list_connections(where: dict[str, Any]) -> None:
    """See at which ports of the machine somebody listens."""
    for process in ("self", str(os.getppid())):
        with contextlib.suppress(OSError):
            if f":{where['tcp4']:04X} " in Path(f"/proc/{process}/net/tcp").read_text("utf-8"):
                return
    raise Refused("nothing of it is seen")


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
    if _LIBRARY.klogctl(3, ctypes.create_string_buffer(4096), 4096) < 0:
        raise OSError(ctypes.get_errno(), "klogctl")


@action
def shared_memory(where: dict[str, Any]) -> None:
    """Attach memory that a process of the same user shares, by its number."""
    _LIBRARY.shmat.restype = ctypes.c_void_p
    address = _LIBRARY.shmat(where["shared_memory"], None, 0)
    if address in {None, ctypes.c_void_p(-1).value}:
        raise OSError(ctypes.get_errno(), "shmat")
    if ctypes.string_at(address) != where["secret_text"].encode():
        raise Refused("it is something else")


@action
def message_queue(where: dict[str, Any]) -> None:
    """Take a message queue away from whoever has it."""
    call(241, 181, ctypes.c_char_p(where["queue"].encode()))


@action
def datagram_by_pair(where: dict[str, Any]) -> None:
    """Send a datagram to a Unix socket, as of a system's log, by one of a pair of sockets."""
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with first, second:
        first.sendto(b"escaped", where["datagram"])


@action
def other_sockets(where: dict[str, Any]) -> None:
    """Make a socket of any other kind there is."""
    del where
    internet = [
        (2, 5, 132),
        (2, 1, 132),
        (2, 2, 136),
        (2, 6, 33),
        (2, 2, 1),
        (10, 2, 0),
        (10, 2, 58),
    ]
    others = [
        (family, kind, 0) for family in range(1, 46) for kind in (2, 3, 5) if family not in {2, 10}
    ]
    for each in (*internet, *others):
        with contextlib.suppress(OSError):
            socket.socket(*each).close()
            return
    raise Refused("there is none")


@action
def reconnect(where: dict[str, Any]) -> None:
    """Take a socket that listened, loosen it, and connect by it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.settimeout(_SECONDS)
        server.bind(("127.0.0.1", where.get("port", 0)))
        server.listen()
        _LIBRARY.connect(server.fileno(), ctypes.create_string_buffer(16), 16)
        _LIBRARY.shutdown(server.fileno(), 2)
        server.connect(("127.0.0.1", where["tcp4"]))


@action
def convert_socket(where: dict[str, Any]) -> None:
    """Make a socket for TCP one of another kind; what refuses the call refuses it first."""
    del where
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        try:
            client.setsockopt(socket.IPPROTO_TCP, 31, b"smc")
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTCONN}:
                raise


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
def old_calls(where: dict[str, Any]) -> None:
    """Make a system call as programs for 32 bits do."""
    del where
    if not _X86:
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
def type_into_console(where: dict[str, Any]) -> None:
    """Control a terminal as only its owner should: its discipline, its keys, its selection."""
    for request in (0x5423, 0x4B49, 0x541C):
        with contextlib.suppress(OSError):
            fcntl.ioctl(where["terminal"], request, struct.pack("i", 0) + bytes(600))
            return
    raise Refused("none of it")


def _attempt(name: str, where: dict[str, Any]) -> str:
    """Try *name* in a child of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(_SECONDS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            ACTIONS[name](where)
            said = "done"
        except Refused as error:
            said = f"refused: {error}"
        except BaseException as error:  # noqa: BLE001  whatever it is, it did not work
            said = f"refused: {type(error).__name__}: {error}"
        os.write(writer, said.encode()[:300])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return said or f"refused: ended with {status}"


def main(configuration: str) -> None:
    """Try all actions that the configuration names, or all there are."""
    where = json.loads(configuration)
    names = where.get("actions") or list(ACTIONS)
    results = {}
    for name in names:
        try:
            results[name] = _attempt(name, where)
        except OSError as error:
            results[name] = f"refused: no child: {error}"
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
