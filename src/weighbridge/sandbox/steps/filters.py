"""
The two filters of a step: one that tells of what it opens, one that keeps it to what it may do.

Both take every program there is, so they list what is told or refused and let pass the rest; what
reads files is Landlock's to refuse. Numbers are those of x86_64 and aarch64.
"""

from typing import Final

from weighbridge.sandbox import bpf

OPEN: Final = (2, None)
OPENAT: Final = (257, 56)
OPENAT2: Final = (437, 437)
CREAT: Final = (85, None)
EXECVE: Final = (59, 221)
EXECVEAT: Final = (322, 281)
RENAME: Final = (82, None)
RENAMEAT: Final = (264, 38)
RENAMEAT2: Final = (316, 276)
LINK: Final = (86, None)
LINKAT: Final = (265, 37)
SOCKET: Final = (41, 198)
SOCKETPAIR: Final = (53, 199)
SETSOCKOPT: Final = (54, 208)
CLONE: Final = (56, 220)
UNSHARE: Final = (272, 97)
SETNS: Final = (308, 268)
CHROOT: Final = (161, 51)
PIVOT_ROOT: Final = (155, 41)
OPEN_BY_HANDLE_AT: Final = (304, 265)

_IO_URING_SETUP: Final = 425
_CLONE3: Final = 435
_SENDTO: Final = (44, 206)
_SENDMSG: Final = (46, 211)
_SENDMMSG: Final = (307, 269)
_IOCTL: Final = (16, 29)

_TOLD: Final = (
    *(OPEN, OPENAT, OPENAT2, CREAT, EXECVE, EXECVEAT),
    *(RENAME, RENAMEAT, RENAMEAT2, LINK, LINKAT),
    *(SETNS, CHROOT, PIVOT_ROOT, OPEN_BY_HANDLE_AT),
)

_REFUSED: Final = (
    UNSHARE,
    SETNS,
    CHROOT,
    PIVOT_ROOT,
    OPEN_BY_HANDLE_AT,
    (165, 40),  # mount
    (166, 39),  # umount2
    *(
        (number, number) for number in (428, 429, 430, 431, 432, 433, 442, 467)
    ),  # the newer mount calls
    (438, 438),  # pidfd_getfd
    (321, 280),  # bpf
    (298, 241),  # perf_event_open
    (248, 217),  # add_key
    (249, 218),  # request_key
    (250, 219),  # keyctl
    (323, 282),  # userfaultfd
    (175, 105),  # init_module
    (313, 273),  # finit_module
    (176, 106),  # delete_module
    (246, 104),  # kexec_load
    (320, 294),  # kexec_file_load
    (167, 224),  # swapon
    (168, 225),  # swapoff
    (169, 142),  # reboot
    (164, 170),  # settimeofday
    (227, 112),  # clock_settime
    (170, 161),  # sethostname
    (171, 162),  # setdomainname
    (163, 89),  # acct
    (179, 60),  # quotactl
    (172, None),  # iopl
    (173, None),  # ioperm
    (443, 443),  # quotactl_fd
    (103, 116),  # syslog
    # What is shared without a file is known by a number, and whoever guesses it has it.
    (29, 194),  # shmget
    (30, 196),  # shmat
    (31, 195),  # shmctl
    (64, 190),  # semget
    (65, 193),  # semop
    (220, 192),  # semtimedop
    (66, 191),  # semctl
    (68, 186),  # msgget
    (69, 189),  # msgsnd
    (70, 188),  # msgrcv
    (71, 187),  # msgctl
    (240, 180),  # mq_open
    (241, 181),  # mq_unlink
    (300, 262),  # fanotify_init
)

_LISTEN: Final = (50, 201)
"""Landlock does not see a port that the kernel chooses."""

NEW_MOUNTS: Final = 0x00020000
_NEW_NAMESPACES: Final = 0x7E020000

_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM: Final = 1
_PACKETS: Final = 5
_TCP_ULP: Final = 31
"""Makes another kind of socket out of one for TCP (SMC), which Landlock then does not see."""
_TYPE: Final = 0xF
_TCP: Final = 6
_FAST_OPEN: Final = 0x20000000
_TIOCSTI: Final = 0x5412
_TIOCLINUX: Final = 0x541C


def observing(architecture: str) -> bytes:
    """
    Return the filter that tells of files that are opened, programs run, and sockets made.

    `io_uring` opens files without a call; it is said not to be there, and so is `clone3`, whose
    flags a filter cannot see. Programs do without, as they do in containers.
    """
    column = list(bpf.AUDIT_ARCH).index(architecture)
    ask = bpf.result(bpf.ASK)
    return b"".join(
        [
            *_head(architecture, ask, ask),
            *(bpf.when(pair[column], ask) for pair in _TOLD),
            bpf.when(_IO_URING_SETUP, bpf.result(bpf.UNKNOWN)),
            bpf.when(_CLONE3, bpf.result(bpf.UNKNOWN)),
            *(_with_bit(pair[column], 0, NEW_MOUNTS, ask) for pair in (CLONE, UNSHARE)),
            bpf.when(
                SOCKET[column],
                bpf.argument(0),
                *(_equal(family, bpf.result(bpf.ALLOW)) for family in (_UNIX, _NETLINK)),
                ask,
            ),
            bpf.result(bpf.ALLOW),
        ]
    )


def isolating(
    architecture: str, *, network: bool, listening: bool = False, asking: bool = False
) -> bytes:
    """
    Return the filter that refuses the network, and what could undo or evade an isolation.

    Args:
        architecture: Of the machine; programs for another one are ended.
        network: Whether TCP may be used; to which ports is for Landlock to say.
        listening: Whether connections may be accepted.
        asking: Whether a broker is asked about Unix sockets: those with connections are left then.
    """
    column = list(bpf.AUDIT_ARCH).index(architecture)
    refuse = bpf.result(bpf.REFUSE)
    internet = _tcp_only(refuse) if network else (refuse,)
    pairs = ((_SENDTO, 3), (_SENDMSG, 2), (_SENDMMSG, 3))
    return b"".join(
        [
            *_head(architecture, bpf.result(bpf.KILL), refuse),
            *(bpf.when(pair[column], refuse) for pair in _REFUSED),
            b"" if listening or asking else bpf.when(_LISTEN[column], refuse),
            bpf.when(_IO_URING_SETUP, bpf.result(bpf.UNKNOWN)),
            bpf.when(_CLONE3, bpf.result(bpf.UNKNOWN)),
            _with_bit(CLONE[column], 0, _NEW_NAMESPACES, refuse),
            # TCP can connect while it sends: Landlock does not see that.
            *(_with_bit(pair[column], index, _FAST_OPEN, refuse) for pair, index in pairs),
            bpf.when(
                _IOCTL[column],
                bpf.argument(1),
                *(_equal(request, refuse) for request in (_TIOCSTI, _TIOCLINUX)),
                bpf.result(bpf.ALLOW),
            ),
            bpf.when(SOCKET[column], *(_unix_or(internet, refuse) if asking else internet)),
            bpf.when(SOCKETPAIR[column], *_connected_only(refuse)),
            bpf.when(SETSOCKOPT[column], *_same_kind(refuse)),
            bpf.result(bpf.ALLOW),
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


def _equal(value: int, then: bytes) -> bytes:
    return bpf.line(bpf.EQUAL, value, other=1) + then


def _with_bit(number: int | None, index: int, mask: int, then: bytes) -> bytes:
    """End with *then* if the call has a bit of *mask* in an argument, else allow it."""
    return bpf.when(
        number,
        bpf.argument(index),
        bpf.line(bpf.SET, mask, other=1),
        then,
        bpf.result(bpf.ALLOW),
    )


def _tcp_only(refuse: bytes) -> tuple[bytes, ...]:
    """Allow sockets for TCP over either version of IP, and refuse MPTCP and all others."""
    return (
        bpf.argument(0),
        bpf.line(bpf.EQUAL, _INET, then=2),
        bpf.line(bpf.EQUAL, _INET6, then=1),
        refuse,
        bpf.argument(1),
        bpf.line(bpf.AND, _TYPE),
        bpf.line(bpf.EQUAL, _STREAM, then=1),
        refuse,
        bpf.argument(2),
        bpf.line(bpf.EQUAL, 0, then=2),
        bpf.line(bpf.EQUAL, _TCP, then=1),
        refuse,
        bpf.result(bpf.ALLOW),
    )


def _unix_or(internet: tuple[bytes, ...], refuse: bytes) -> tuple[bytes, ...]:
    """Allow Unix sockets that send to their peers alone, and what *internet* allows."""
    own = _with_peers(refuse)
    unix = bpf.line(bpf.EQUAL, _UNIX, other=len(b"".join(own)) // 8)
    return (bpf.argument(0), unix, *own, *internet)


def _connected_only(refuse: bytes) -> tuple[bytes, ...]:
    """Allow pairs of sockets that stay with each other: one for datagrams sends to anybody."""
    unix = bpf.line(bpf.EQUAL, _UNIX, then=1)
    return (bpf.argument(0), unix, refuse, *_with_peers(refuse))


def _with_peers(refuse: bytes) -> tuple[bytes, ...]:
    return (
        bpf.argument(1),
        bpf.line(bpf.AND, _TYPE),
        bpf.line(bpf.EQUAL, _STREAM, then=2),
        bpf.line(bpf.EQUAL, _PACKETS, then=1),
        refuse,
        bpf.result(bpf.ALLOW),
    )


def _same_kind(refuse: bytes) -> tuple[bytes, ...]:
    """Allow all options of sockets but what makes them sockets of another kind."""
    return (
        bpf.argument(1),
        bpf.line(bpf.EQUAL, _TCP, other=3),
        bpf.argument(2),
        bpf.line(bpf.EQUAL, _TCP_ULP, other=1),
        refuse,
        bpf.result(bpf.ALLOW),
    )
