"""
What a filter sees of files that are opened and made; a part of `filters.confining`.

A file with a set-user-ID or set-group-ID bit runs as its owner, whoever starts it: left in a
directory that may be written, by a program of root, it makes root of every user outside. And a file
that is opened for neither reading nor writing Landlock lets be opened, whatever it is: drivers do
something when that happens, such as starting the clock of a watchdog.
"""

from collections.abc import Mapping
from typing import Final

from weighbridge.sandbox import bpf
from weighbridge.sandbox.numbers import number

_REFUSE: Final = bpf.result(bpf.REFUSE)
_UNKNOWN: Final = bpf.result(bpf.UNKNOWN)

AS_OWNER: Final = (0o4000, 0o2000)
"""The bits by which a file runs as its owner, or as its group."""
_ACCESS: Final = 3
"""O_ACCMODE; as a value of its own it is neither reading nor writing."""
_MAKING: Final = 0o100 | 0o20000000
"""O_CREAT, and O_TMPFILE without O_DIRECTORY: only then a mode is looked at."""

MODES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("chmod", "fchmod", "creat", "mknod"), 1),
    **dict.fromkeys(("fchmodat", "fchmodat2", "mknodat"), 2),
}
"""Calls that take a mode, and which argument it is."""
_FLAGS: Final[Mapping[str, int]] = {"open": 1, "openat": 2}
"""Calls that take flags, and which argument these are; a mode follows."""


def making_no_more(architecture: str, /) -> bytes:
    """Refuse files that run as their owner, and opening for neither; go on with everything else."""
    again = bpf.line(bpf.LOAD, bpf.NUMBER)
    modes = (_when(architecture, name, *_bits(at), again) for name, at in MODES.items())
    opened = (
        _when(
            architecture,
            name,
            bpf.argument(at),
            bpf.line(bpf.AND, _ACCESS),
            bpf.line(bpf.EQUAL, _ACCESS, other=1),
            _REFUSE,
            bpf.argument(at),
            bpf.line(bpf.SET, _MAKING, other=3),
            *_bits(at + 1),
            again,
        )
        for name, at in _FLAGS.items()
    )
    # Its flags lie in memory, where no filter sees them; programs then use the older one.
    return b"".join([*modes, *opened, _when(architecture, "openat2", _UNKNOWN)])


def _bits(at: int) -> tuple[bytes, ...]:
    return bpf.argument(at), bpf.line(bpf.SET, sum(AS_OWNER), other=1), _REFUSE


def _when(architecture: str, name: str, *then: bytes) -> bytes:
    return bpf.when(number(name, architecture), *then)
