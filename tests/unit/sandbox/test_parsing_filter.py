"""The filter of our own parsers, run as the kernel runs it."""

import fcntl
from struct import iter_unpack

import pytest

from weighbridge.sandbox import filters

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000

OPENAT = {"x86_64": 257, "aarch64": 56}
MMAP = {"x86_64": 9, "aarch64": 222}
MPROTECT = {"x86_64": 10, "aarch64": 226}
FCNTL = {"x86_64": 72, "aarch64": 25}
REFUSED = {
    "x86_64": {
        "socket": 41,
        "clone": 56,
        "fork": 57,
        "execve": 59,
        "kill": 62,
        "ptrace": 101,
        "open": 2,
        "creat": 85,
        "prctl": 157,
        "execveat": 322,
        "memfd_create": 319,
        "io_uring_setup": 425,
        "openat2": 437,
        "x32 read": 0x40000000,
    },
    "aarch64": {
        "socket": 198,
        "clone": 220,
        "execve": 221,
        "kill": 129,
        "ptrace": 117,
        "prctl": 167,
        "execveat": 281,
        "memfd_create": 279,
        "io_uring_setup": 425,
        "openat2": 437,
    },
}
ALLOWED = {"x86_64": {"read": 0, "exit_group": 231}, "aarch64": {"read": 63, "exit_group": 94}}


def decide(architecture: str, call: int, *arguments: int, audit: int | None = None) -> int:
    """Return what the filter for *architecture* decides about a call."""
    values = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    words = {0: call, 4: ARCHITECTURES[architecture] if audit is None else audit}
    words |= {16 + 8 * n: value & 0xFFFFFFFF for n, value in enumerate(values)}
    lines = list(iter_unpack("=HBBI", filters.parsing(architecture)))
    at, accumulator = 0, 0
    while True:
        code, then, other, value = lines[at]
        at += 1
        if code == 0x20:
            accumulator = words[value]
        elif code == 0x06:
            return int(value)
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[code]
            at += then if holds else other


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestFilter:
    """What passes and what does not."""

    def test_other_architecture(self, architecture: str) -> None:
        """A call in another architecture's numbers ends the process."""
        assert decide(architecture, 0, audit=0x40000003) == KILL

    def test_refused(self, architecture: str) -> None:
        """Programs, processes, sockets and the like are not on the list."""
        refused = REFUSED[architecture].items()
        assert {name for name, call in refused if decide(architecture, call) != REFUSE} == set()

    def test_allowed(self, architecture: str) -> None:
        """What a parser needs is."""
        allowed = ALLOWED[architecture].items()
        assert {name for name, call in allowed if decide(architecture, call) != ALLOW} == set()

    @pytest.mark.parametrize(("flags", "decision"), [(0o2000000, ALLOW), (0o1, REFUSE),
        (0o2, REFUSE), (0o100, REFUSE), (0o1000, REFUSE), (0o2000, REFUSE)])  # fmt: skip
    def test_open(self, architecture: str, flags: int, decision: int) -> None:
        """A file can be opened for reading, and not for anything else."""
        assert decide(architecture, OPENAT[architecture], 0, 0, flags) == decision

    @pytest.mark.parametrize(
        ("protection", "flags", "decision"),
        [(3, 0x22, ALLOW), (5, 0x02, ALLOW), (5, 0x22, REFUSE), (7, 0x22, REFUSE)],
    )
    def test_map(self, architecture: str, protection: int, flags: int, decision: int) -> None:
        """Only a file's memory can be executable."""
        assert decide(architecture, MMAP[architecture], 0, 0, protection, flags) == decision

    @pytest.mark.parametrize(
        ("command", "decision"),
        [
            (fcntl.F_GETFL, ALLOW),
            (fcntl.F_DUPFD_CLOEXEC, ALLOW),
            (fcntl.F_SETLEASE, REFUSE),
            (fcntl.F_NOTIFY, REFUSE),
            (fcntl.F_SETOWN, REFUSE),
            (fcntl.F_SETSIG, REFUSE),
            (fcntl.F_SETLK, REFUSE),
            (1033, REFUSE),  # F_ADD_SEALS
        ],
    )
    def test_control(self, architecture: str, command: int, decision: int) -> None:
        """Descriptors are duplicated; no file is leased or locked, and nobody signalled."""
        assert decide(architecture, FCNTL[architecture], 0, command) == decision

    @pytest.mark.parametrize(("protection", "decision"), [(3, ALLOW), (5, REFUSE)])
    def test_protect(self, architecture: str, protection: int, decision: int) -> None:
        """Memory does not become executable later."""
        assert decide(architecture, MPROTECT[architecture], 0, 0, protection) == decision
