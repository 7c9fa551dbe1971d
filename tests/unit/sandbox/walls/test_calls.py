"""The filter of walls, run as the kernel runs it."""

import pytest

from support.filters import ALLOW, ARCHITECTURES, REFUSE, decide
from weighbridge.sandbox.walls.calls import DONE, NO_ATTRIBUTES, NO_DEVICE, refusing

CONNECT = (42, 203)
BIND = (49, 200)
IOCTL = (16, 29)
PRLIMIT = (302, 261)
SETRLIMIT = (160, 164)
PRIORITY = (141, 140)
IO_PRIORITY = (251, 30)
SCHEDULER = (144, 119)
AFFINITY = (203, 122)
KILL = (62, 129)
FCHMOD = (91, 52)
TIMES = (280, 88)
OWNER = (260, 54)
ATTRIBUTE = (191, 8)
WATCH = (254, 27)
READ = (0, 63)


def code(architecture: str, *, alone: bool, listening: bool = False) -> bytes:
    """Return the filter."""
    return refusing(architecture, alone=alone, listening=listening, connecting=alone and listening)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("alone", [False, True])
class TestAnywhere:
    """What is refused with and without namespaces."""

    def test_reading(self, architecture: str, alone: bool) -> None:
        """What programs do is let pass."""
        assert decide(code(architecture, alone=alone), architecture, READ) == ALLOW

    def test_no_network(self, architecture: str, alone: bool) -> None:
        """Without ports, sockets that a program was given neither connect nor accept."""
        filtering = code(architecture, alone=alone)
        assert decide(filtering, architecture, CONNECT) == REFUSE
        assert decide(filtering, architecture, BIND) == REFUSE

    def test_listening(self, architecture: str, alone: bool) -> None:
        """With ports it is reached, and connects only where nobody else is."""
        filtering = code(architecture, alone=alone, listening=True)
        assert decide(filtering, architecture, BIND) == ALLOW
        assert decide(filtering, architecture, CONNECT) == (ALLOW if alone else REFUSE)

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [
            (0x5401, ALLOW),
            (0x802C542A, ALLOW),
            (0x541B, ALLOW),
            (0x8913, ALLOW),
            (0x5423, REFUSE),
            (0x541D, REFUSE),
            (0x4B49, NO_DEVICE),
            (0x40086602, NO_DEVICE),
            (0x40806685, NO_DEVICE),
            (0x40049409, NO_DEVICE),
        ],
    )
    def test_controls(
        self,
        architecture: str,
        alone: bool,
        request_: int,
        expected: int,
    ) -> None:
        """Terminals and sockets are controlled, and no flags of files or keys of consoles."""
        assert decide(code(architecture, alone=alone), architecture, IOCTL, 3, request_) == expected

    def test_no_core(self, architecture: str, alone: bool) -> None:
        """The limit on dumps stays; it can be read, and other limits can be changed."""
        filtering = code(architecture, alone=alone)
        assert decide(filtering, architecture, SETRLIMIT, 4) == DONE
        assert decide(filtering, architecture, SETRLIMIT, 7) == ALLOW
        assert decide(filtering, architecture, PRLIMIT, 0, 4, 1) == DONE
        assert decide(filtering, architecture, PRLIMIT, 0, 4, 1 << 32) == DONE
        assert decide(filtering, architecture, PRLIMIT, 0, 4, 0) == ALLOW
        assert decide(filtering, architecture, PRLIMIT, 0, 7, 1) == ALLOW

    def test_groups(self, architecture: str, alone: bool) -> None:
        """A program slows itself, and no group or user, to which processes outside belong."""
        filtering = code(architecture, alone=alone)
        assert decide(filtering, architecture, PRIORITY, 0, 0, 5) == ALLOW
        assert decide(filtering, architecture, PRIORITY, 1, 0, 5) == REFUSE
        assert decide(filtering, architecture, PRIORITY, 0, 7, 5) == REFUSE
        assert decide(filtering, architecture, IO_PRIORITY, 1, 0, 5) == ALLOW
        assert decide(filtering, architecture, IO_PRIORITY, 2, 0, 5) == REFUSE
        assert decide(filtering, architecture, IO_PRIORITY, 1, 7, 5) == REFUSE

    def test_signals(self, architecture: str, alone: bool) -> None:
        """Where Landlock does not keep signals inside, none goes to the own group."""
        older = refusing(
            architecture, alone=alone, listening=False, connecting=False, signals_confined=False
        )
        assert decide(older, architecture, KILL, 0, 9) == REFUSE
        assert decide(older, architecture, KILL, 7, 9) == ALLOW
        assert decide(code(architecture, alone=alone), architecture, KILL, 0, 9) == ALLOW


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestOfTheMachine:
    """What is refused where files and processes of the machine are around, and else is not."""

    @pytest.mark.parametrize(
        ("pair", "expected"),
        [
            (FCHMOD, DONE),
            (TIMES, DONE),
            (OWNER, DONE),
            (ATTRIBUTE, NO_ATTRIBUTES),
            (WATCH, REFUSE),
        ],
    )
    def test_files(self, architecture: str, pair: tuple[int, int], expected: int) -> None:
        """Modes, times, owners, attributes and watches, none of which Landlock sees."""
        assert decide(code(architecture, alone=False), architecture, pair) == expected
        assert decide(code(architecture, alone=True), architecture, pair) == ALLOW

    @pytest.mark.parametrize(
        ("pair", "expected"), [(SCHEDULER, REFUSE), (PRLIMIT, REFUSE), (AFFINITY, DONE)]
    )
    def test_processes(self, architecture: str, pair: tuple[int, int], expected: int) -> None:
        """Limits and scheduling are the program's own."""
        assert decide(code(architecture, alone=False), architecture, pair, 7) == expected
        assert decide(code(architecture, alone=False), architecture, pair, 0) == ALLOW
        assert decide(code(architecture, alone=True), architecture, pair, 7) == ALLOW
