"""
What a program behind walls may not ask of the kernel, beyond what isolated steps may not.

Landlock sees no modes, owners, times, attributes and watches of files, and no limits and priorities
of other processes. Where these are around the program, the calls are refused. Some say that they
were done, and nothing is: programs that copy files, or bind threads to processors, go on without.
Numbers are those of x86_64 and aarch64; another filter ends calls of other architectures.
See https://docs.kernel.org/userspace-api/landlock.html#current-limitations.
"""

from typing import Final

from weighbridge.sandbox import bpf

DONE: Final = 0x00050000
"""SECCOMP_RET_ERRNO with no error: nothing is done, and it looks as if it were."""
NO_ATTRIBUTES: Final = 0x0005005F
"""SECCOMP_RET_ERRNO with EOPNOTSUPP."""
NO_DEVICE: Final = 0x00050019
"""SECCOMP_RET_ERRNO with ENOTTY."""

_CONNECT: Final = (42, 203)
_ACCEPTING: Final = ((49, 200), (43, 202), (288, 242))
"""bind, accept, accept4."""

_MODES_OWNERS_AND_TIMES: Final = (
    (90, None),  # chmod
    (91, 52),  # fchmod
    (268, 53),  # fchmodat
    (452, 452),  # fchmodat2
    (132, None),  # utime
    (235, None),  # utimes
    (261, None),  # futimesat
    (280, 88),  # utimensat
    (92, None),  # chown
    (94, None),  # lchown
    (93, 55),  # fchown
    (260, 54),  # fchownat
)
_NAMES_AND_MOUNTS: Final = (
    (469, 469),  # file_setattr
    (254, 27),  # inotify_add_watch
    (457, 457),  # statmount
    (458, 458),  # listmount
)
_ATTRIBUTES: Final = (
    *((188 + index, 5 + index) for index in range(12)),  # setxattr to fremovexattr
    *((number, number) for number in (463, 464, 465, 466)),
)
_SCHEDULED: Final = ((142, 118), (144, 119), (314, 274))
"""sched_setparam, sched_setscheduler, sched_setattr: of the process in the first argument."""
_AFFINITY: Final = (203, 122)
_PRIORITY: Final = (141, 140)
_IO_PRIORITY: Final = (251, 30)
_IO_PROCESS: Final = 1
_PRLIMIT: Final = (302, 261)
_SETRLIMIT: Final = (160, 164)
_CORE: Final = 4
_KILL: Final = (62, 129)

_IOCTL: Final = (16, 29)
_KIND: Final = 0xFF00
_TERMINAL, _SOCKET = 0x5400, 0x8900
_TIOCSETD: Final = 0x5423
_TIOCCONS: Final = 0x541D

_REFUSE: Final = bpf.result(bpf.REFUSE)
_ALLOW: Final = bpf.result(bpf.ALLOW)


def refusing(
    architecture: str,
    *,
    alone: bool,
    listening: bool,
    connecting: bool,
    asking: bool = False,
    signals_confined: bool = True,
) -> bytes:
    """
    Return the filter.

    Args:
        architecture: Of the machine.
        alone: Whether nothing of the machine is around: no network, file or process of it.
        listening: Whether connections may be accepted.
        connecting: Whether connections may be made: in a network where only what is listed is.
        asking: Whether a broker is asked about connections, and about addresses to be reached at.
        signals_confined: Whether Landlock keeps signals inside; a process group reaches further.
    """
    column = list(bpf.AUDIT_ARCH).index(architecture)
    accepting = () if listening or asking else _ACCEPTING
    return b"".join(
        [
            bpf.line(bpf.LOAD, bpf.NUMBER),
            b"" if connecting or asking else bpf.when(_CONNECT[column], _REFUSE),
            *(bpf.when(pair[column], _REFUSE) for pair in accepting),
            bpf.when(_IOCTL[column], *_ioctls()),
            bpf.when(_SETRLIMIT[column], bpf.argument(0), *_no_core()),
            bpf.when(_PRLIMIT[column], *_prlimit(alone=alone)),
            bpf.when(_PRIORITY[column], *_own(0, which=0), *_own(1), _ALLOW),
            bpf.when(_IO_PRIORITY[column], *_own(0, which=_IO_PROCESS), *_own(1), _ALLOW),
            b"" if signals_confined else bpf.when(_KILL[column], *_no_group(), _ALLOW),
            b"" if alone else _of_the_machine(column),
            _ALLOW,
        ]
    )


def _of_the_machine(column: int) -> bytes:
    """Refuse what reaches files and processes past Landlock."""
    done = bpf.result(DONE)
    return b"".join(
        [
            *(bpf.when(pair[column], done) for pair in _MODES_OWNERS_AND_TIMES),
            *(bpf.when(pair[column], _REFUSE) for pair in _NAMES_AND_MOUNTS),
            *(bpf.when(pair[column], bpf.result(NO_ATTRIBUTES)) for pair in _ATTRIBUTES),
            *(bpf.when(pair[column], *_own(0), _ALLOW) for pair in _SCHEDULED),
            bpf.when(_AFFINITY[column], *_own(0, otherwise=done), _ALLOW),
        ]
    )


def _own(index: int, *, which: int = 0, otherwise: bytes = _REFUSE) -> tuple[bytes, ...]:
    """End with *otherwise* unless the argument is *which*: 0 stands for the process itself."""
    return bpf.argument(index), bpf.line(bpf.EQUAL, which, then=1), otherwise


def _no_group() -> tuple[bytes, ...]:
    return bpf.argument(0), bpf.line(bpf.EQUAL, 0, other=1), _REFUSE


def _no_core() -> tuple[bytes, ...]:
    """Leave the limit on core dumps, the resource that is loaded, as it is."""
    return bpf.line(bpf.EQUAL, _CORE, other=1), bpf.result(DONE), _ALLOW


def _prlimit(*, alone: bool) -> tuple[bytes, ...]:
    """Allow limits to be read and changed of the process itself, but the one on core dumps."""
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


def _ioctls() -> tuple[bytes, ...]:
    """Allow those of terminals and sockets: others change files, and Landlock does not see it."""
    return (
        bpf.argument(1),
        bpf.line(bpf.EQUAL, _TIOCSETD, then=6),
        bpf.line(bpf.EQUAL, _TIOCCONS, then=5),
        bpf.line(bpf.AND, _KIND),
        bpf.line(bpf.EQUAL, _TERMINAL, then=2),
        bpf.line(bpf.EQUAL, _SOCKET, then=1),
        bpf.result(NO_DEVICE),
        _ALLOW,
        _REFUSE,
    )
