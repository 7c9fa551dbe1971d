"""
The filters for system calls: of our own parsers, of steps that are watched, of confined programs.

Each starts with the architecture: calls in another one's numbers mean something else, and end the
process or are told. What is refused fails with EPERM, so that a program which tries something
optional goes on without it. See https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

from collections.abc import Iterable
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.sandbox import bpf, calls
from weighbridge.sandbox.making import making_no_more
from weighbridge.sandbox.numbers import LATEST, number, numbers

DONE: Final = 0x00050000
"""SECCOMP_RET_ERRNO with no error: nothing is done, and it looks as if it were."""
NO_ATTRIBUTES: Final = 0x0005005F
"""SECCOMP_RET_ERRNO with EOPNOTSUPP."""
NO_DEVICE: Final = 0x00050019
"""SECCOMP_RET_ERRNO with ENOTTY."""

_ALLOW: Final = bpf.result(bpf.ALLOW)
_REFUSE: Final = bpf.result(bpf.REFUSE)
_ASK: Final = bpf.result(bpf.ASK)
_UNKNOWN: Final = bpf.result(bpf.UNKNOWN)

_OPEN_FOR_MORE: Final = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND; `O_TMPFILE` needs one of the first two."""
_PROT_EXEC: Final = 4
_MAP_ANONYMOUS: Final = 0x20

_NEW_MOUNTS: Final = 0x00020000
_NEW_NAMESPACES: Final = 0x7E020000
_THREAD: Final = 0x00010000

_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM: Final = 1
_PACKETS: Final = 5
_TYPE: Final = 0xF
_TCP: Final = 6
_ROUTE: Final = 0
"""NETLINK_ROUTE: interfaces, addresses and routes of the network that a socket was made in."""
_SOL_NETLINK: Final = 270
_TCP_ULP: Final = 31
"""Makes another kind of socket out of one for TCP (SMC), which Landlock then does not see."""
_FAST_OPEN: Final = 0x20000000

_OF_ITS_OWNER: Final = (0x5412, 0x541C, 0x5423, 0x541D, 0x540C)
"""TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS, TIOCEXCL: typing into a terminal, changing
what it is, and closing it to others for good."""
_ALL_BUT_NUMBER: Final = 0xFFFFFF00
_OF_CONSOLES: Final = (0x4B00, 0x5600)
"""Requests to text consoles, about keys, fonts and which one is shown. Drivers of graphics
processors have the same kinds with a direction and a size."""
_KIND: Final = 0xFF00
_TERMINAL, _SOCKET = 0x5400, 0x8900
_OF_INTERFACES: Final = (0x890B, 0x8C00)
"""From SIOCADDRT to the last about wireless ones; those before are about the socket itself."""
_OF_FILES: Final = (0x6600, 0x5800, 0x9400, 0x1200, 0x1500)
"""Kinds of requests to file systems and block devices: 'f', 'X', Btrfs, disks, inodes."""

_SET_LEASE, _NOTIFY = 1024, 1026
_OF_DESCRIPTORS: Final = (0, 1, 2, 3, 4, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC."""
_CORE: Final = 4
_OWN_PRIORITY: Final = 0
_OWN_IO_PRIORITY: Final = 1


@frozen
class Ways:
    """
    What a confined program may do that others may not; by default the least.

    Attributes:
        network: It may make sockets for TCP; to which ports is for Landlock to say, or for a
            network in which nothing else is.
        connecting: It may connect.
        listening: It may wait for connections.
        unix: It may make Unix sockets, and with `connecting` ask whoever listens at one.
        asking: Another filter asks about `connect` and `bind`, so it may make Unix sockets.
        interfaces: It may make sockets that ask the kernel for interfaces (netlink); only with
            `asking`, which keeps them from subscribing to anything.
        alone: Nothing of the machine is around it, neither files nor processes.
        modes: It may change modes, owners and times of files; otherwise that looks as if it were
            done. Programs that copy files go on.
        devices: It may control devices; requests to file systems are refused all the same.
        signals_confined: Landlock keeps its signals inside; a process group reaches further.
    """

    network: bool = False
    connecting: bool = False
    listening: bool = False
    unix: bool = False
    asking: bool = False
    interfaces: bool = False
    alone: bool = False
    modes: bool = False
    devices: bool = False
    signals_confined: bool = True


def parsing(architecture: str, /) -> bytes:
    """
    Return the filter of our own parsers, which lets pass what they need and refuses the rest.

    Files are opened for reading only, and memory that is not a file's never becomes executable.
    """
    protect = (bpf.argument(2), bpf.line(bpf.SET, _PROT_EXEC, then=1), _ALLOW, _REFUSE)
    # Others hold up whoever opens the file, or have a signal sent to any process of the user.
    of_descriptors = (_equal(command, _ALLOW) for command in _OF_DESCRIPTORS)
    return b"".join(
        [
            *_head(architecture, bpf.result(bpf.KILL), _REFUSE),
            _when(architecture, "openat", *_unless_bits(2, _OPEN_FOR_MORE)),
            _when(architecture, "mprotect", *protect),
            _when(architecture, "fcntl", bpf.argument(1), *of_descriptors, _REFUSE),
            _when(
                architecture,
                "mmap",
                bpf.argument(2),
                bpf.line(bpf.SET, _PROT_EXEC, other=2),
                bpf.argument(3),
                bpf.line(bpf.SET, _MAP_ANONYMOUS, then=1),
                _ALLOW,
                _REFUSE,
            ),
            *(bpf.when(each, _ALLOW) for each in sorted(numbers(calls.PARSING, architecture))),
            _REFUSE,
        ]
    )


def observing(architecture: str, /, *, changes: bool = False) -> bytes:
    """
    Return the filter that tells of files that are opened, programs run, and sockets made.

    With *changes* it tells of changes of modes, owners and times as well. Calls whose ways no
    filter sees are said not to be there.
    """
    mounts = (bpf.argument(0), bpf.line(bpf.SET, _NEW_MOUNTS, other=1), _ASK, _ALLOW)
    return b"".join(
        [
            *_head(architecture, _ASK, _ASK),
            _each(architecture, calls.TOLD, _ASK),
            _each(architecture, calls.MODES_OWNERS_AND_TIMES, _ASK) if changes else b"",
            _each(architecture, calls.ABSENT, _UNKNOWN),
            *(_when(architecture, name, *mounts) for name in ("clone", "unshare")),
            _when(
                architecture,
                "socket",
                bpf.argument(0),
                *(_equal(family, _ALLOW) for family in (_UNIX, _NETLINK)),
                _ASK,
            ),
            _ALLOW,
        ]
    )


def changing(architecture: str, /, *, asked: bool) -> bytes:
    """
    Return the filter that tells of changes of modes, owners and times, and of nothing else.

    Without *asked* they look as if they were done.
    """
    then = _ASK if asked else bpf.result(DONE)
    return b"".join(
        [
            *_head(architecture, bpf.result(bpf.KILL), _REFUSE),
            _each(architecture, calls.MODES_OWNERS_AND_TIMES, then),
            _ALLOW,
        ]
    )


def confining(architecture: str, ways: Ways, /) -> bytes:
    """
    Return the filter of a program that is not ours: it does what it likes, but for what leads out.

    Landlock decides about files, ports, signals and abstract sockets; here is what it does not see.
    Calls that were added to the kernel since nobody has looked at: they are said not to be there.
    """
    return b"".join(
        [
            *_head(architecture, bpf.result(bpf.KILL), _REFUSE),
            bpf.line(bpf.GREATER, LATEST + 1, other=1) + _UNKNOWN,
            _each(architecture, (*calls.KERNEL, *calls.SHARED_BY_NUMBER), _REFUSE),
            _each(architecture, calls.ABSENT, _UNKNOWN),
            making_no_more(architecture),
            b"" if ways.connecting or ways.asking else _when(architecture, "connect", _REFUSE),
            b"" if ways.listening or ways.asking else _each(architecture, calls.ACCEPTING, _REFUSE),
            _when(architecture, "clone", *_unless_bits(0, _NEW_NAMESPACES)),
            # TCP can connect while it sends: Landlock does not see that.
            _when(architecture, "sendto", *_unless_bits(3, _FAST_OPEN)),
            _when(architecture, "sendmsg", *_unless_bits(2, _FAST_OPEN)),
            _when(architecture, "sendmmsg", *_unless_bits(3, _FAST_OPEN)),
            _when(architecture, "socket", *_sockets(ways)),
            _when(architecture, "socketpair", *_connected_only()),
            _when(architecture, "setsockopt", *_same_kind()),
            _when(architecture, "fcntl", *_no_leases()),
            _when(architecture, "ioctl", *_requests(devices=ways.devices, alone=ways.alone)),
            _about_processes(architecture, ways),
            b"" if ways.alone else _about_files(architecture, modes=ways.modes),
            _ALLOW,
        ]
    )


def staying_alone(architecture: str, /) -> bytes:
    """Return the filter that refuses processes, programs and memory that no limit counts."""
    return b"".join(
        [
            *_head(architecture, bpf.result(bpf.KILL), _REFUSE),
            _each(architecture, (*calls.STARTING, *calls.UNCOUNTED), _REFUSE),
            # Its flags lie in memory, where no filter sees them; libraries then use the older one.
            _when(architecture, "clone3", _UNKNOWN),
            _when(
                architecture,
                "clone",
                bpf.argument(0),
                bpf.line(bpf.SET, _THREAD, then=1),
                _REFUSE,
                _ALLOW,
            ),
            _ALLOW,
        ]
    )


def _head(architecture: str, foreign: bytes, x32: bytes) -> tuple[bytes, ...]:
    """End with *foreign* for another architecture's calls and with *x32* for those of that kind."""
    return (
        bpf.line(bpf.LOAD, bpf.ARCH),
        bpf.line(bpf.EQUAL, bpf.AUDIT_ARCH[architecture], then=1),
        foreign,
        bpf.line(bpf.LOAD, bpf.NUMBER),
        bpf.line(bpf.GREATER, bpf.X32_BIT, other=1),
        x32,
    )


def _when(architecture: str, name: str, *then: bytes) -> bytes:
    return bpf.when(number(name, architecture), *then)


def _each(architecture: str, names: Iterable[str], then: bytes) -> bytes:
    return b"".join(bpf.when(each, then) for each in numbers(names, architecture))


def _equal(value: int, then: bytes) -> bytes:
    return bpf.line(bpf.EQUAL, value, other=1) + then


def _unless_bits(index: int, mask: int) -> tuple[bytes, ...]:
    """Refuse the call if an argument has a bit of *mask*, else allow it."""
    return bpf.argument(index), bpf.line(bpf.SET, mask, other=1), _REFUSE, _ALLOW


def _own(index: int, *, which: int = 0, otherwise: bytes = _REFUSE) -> tuple[bytes, ...]:
    """End with *otherwise* unless the argument is *which*: 0 stands for the process itself."""
    return bpf.argument(index), bpf.line(bpf.EQUAL, which, then=1), otherwise


def _about_processes(architecture: str, ways: Ways) -> bytes:
    """Keep limits, priorities and signals to the process itself, and memory out of core files."""
    group = (bpf.argument(0), bpf.line(bpf.EQUAL, 0, other=1), _REFUSE, _ALLOW)
    return b"".join(
        [
            _when(
                architecture,
                "setrlimit",
                bpf.argument(0),
                bpf.line(bpf.EQUAL, _CORE, other=1),
                bpf.result(DONE),
                _ALLOW,
            ),
            _when(architecture, "prlimit64", *_own_limits(alone=ways.alone)),
            _when(architecture, "setpriority", *_own(0, which=_OWN_PRIORITY), *_own(1), _ALLOW),
            _when(architecture, "ioprio_set", *_own(0, which=_OWN_IO_PRIORITY), *_own(1), _ALLOW),
            b"" if ways.signals_confined else _when(architecture, "kill", *group),
        ]
    )


def _about_files(architecture: str, *, modes: bool) -> bytes:
    """Refuse what reaches files and processes of the machine past Landlock."""
    done = bpf.result(DONE)
    return b"".join(
        [
            b"" if modes else _each(architecture, calls.MODES_OWNERS_AND_TIMES, done),
            _each(architecture, calls.ATTRIBUTES, bpf.result(NO_ATTRIBUTES)),
            *(_when(architecture, name, *_own(0), _ALLOW) for name in calls.SCHEDULED),
            _when(architecture, "sched_setaffinity", *_own(0, otherwise=done), _ALLOW),
        ]
    )


def _own_limits(*, alone: bool) -> tuple[bytes, ...]:
    """Allow limits to be read and changed of the process itself, but the one on core files."""
    new, upper = bpf.argument(2), bpf.line(bpf.LOAD, bpf.ARGUMENTS + 8 * 2 + 4)
    return (
        *(() if alone else _own(0)),
        bpf.argument(1),
        bpf.line(bpf.EQUAL, _CORE, then=1),
        _ALLOW,
        new,
        bpf.line(bpf.EQUAL, 0, other=3),
        upper,
        bpf.line(bpf.EQUAL, 0, other=1),
        _ALLOW,
        bpf.result(DONE),
    )


def _requests(*, devices: bool, alone: bool) -> tuple[bytes, ...]:
    """
    Allow those to terminals and sockets: others change files, and Landlock does not see it.

    By any socket, a pair included, the kernel tells of the machine's interfaces and of their
    addresses, so that is left only to who is in a network of its own.
    """
    allowed = tuple(_equal(kind, _ALLOW) for kind in (_TERMINAL, _SOCKET))
    refused = tuple(_equal(kind, bpf.result(NO_DEVICE)) for kind in _OF_FILES)
    interfaces = (
        bpf.line(bpf.GREATER, _OF_INTERFACES[0], other=2),
        bpf.line(bpf.GREATER, _OF_INTERFACES[1], then=1),
        bpf.result(NO_DEVICE),
    )
    return (
        bpf.argument(1),
        *(_equal(request, _REFUSE) for request in _OF_ITS_OWNER),
        *(() if alone else interfaces),
        bpf.line(bpf.AND, _ALL_BUT_NUMBER),
        *(_equal(kind, bpf.result(NO_DEVICE)) for kind in _OF_CONSOLES),
        bpf.line(bpf.AND, _KIND),
        *((*refused, _ALLOW) if devices else (*allowed, bpf.result(NO_DEVICE))),
    )


def _no_leases() -> tuple[bytes, ...]:
    """Refuse to be asked or told before others use a file that may be read: they would wait."""
    held = tuple(_equal(command, _REFUSE) for command in (_SET_LEASE, _NOTIFY))
    return (bpf.argument(1), *held, _ALLOW)


def _sockets(ways: Ways) -> tuple[bytes, ...]:
    """Allow the kinds of sockets that a program may make."""
    unix = b"".join(_connected_only()) if ways.asking or ways.unix else b""
    netlink = b"".join(_interfaces_only()) if ways.asking and ways.interfaces else b""
    return (
        *(bpf.argument(0), bpf.line(bpf.EQUAL, _UNIX, other=len(unix) // 8), unix),
        *(bpf.line(bpf.EQUAL, _NETLINK, other=len(netlink) // 8), netlink),
        *(_tcp_only() if ways.network else (_REFUSE,)),
    )


def _tcp_only() -> tuple[bytes, ...]:
    """Allow sockets for TCP over either version of IP, and refuse MPTCP and all others."""
    return (
        bpf.argument(0),
        bpf.line(bpf.EQUAL, _INET, then=2),
        bpf.line(bpf.EQUAL, _INET6, then=1),
        _REFUSE,
        bpf.argument(1),
        bpf.line(bpf.AND, _TYPE),
        bpf.line(bpf.EQUAL, _STREAM, then=1),
        _REFUSE,
        bpf.argument(2),
        bpf.line(bpf.EQUAL, 0, then=2),
        bpf.line(bpf.EQUAL, _TCP, then=1),
        _REFUSE,
        _ALLOW,
    )


def _interfaces_only() -> tuple[bytes, ...]:
    """Allow netlink's protocol for interfaces: what else speaks netlink is loaded by asking."""
    return (bpf.argument(2), bpf.line(bpf.EQUAL, _ROUTE, then=1), _REFUSE, _ALLOW)


def _connected_only() -> tuple[bytes, ...]:
    """Allow pairs of sockets that stay with each other: one for datagrams sends to anybody."""
    return (
        bpf.argument(0),
        bpf.line(bpf.EQUAL, _UNIX, then=1),
        _REFUSE,
        bpf.argument(1),
        bpf.line(bpf.AND, _TYPE),
        bpf.line(bpf.EQUAL, _STREAM, then=2),
        bpf.line(bpf.EQUAL, _PACKETS, then=1),
        _REFUSE,
        _ALLOW,
    )


def _same_kind() -> tuple[bytes, ...]:
    """Allow all options but what makes sockets others, or subscribes them to what is announced."""
    return (
        bpf.argument(1),
        _equal(_SOL_NETLINK, _REFUSE),
        bpf.line(bpf.EQUAL, _TCP, other=3),
        bpf.argument(2),
        bpf.line(bpf.EQUAL, _TCP_ULP, other=1),
        _REFUSE,
        _ALLOW,
    )
