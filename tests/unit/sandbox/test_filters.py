"""The filters of what is confined or watched, run as the kernel runs them."""

from dataclasses import replace

import pytest

from support.filters import ALLOW, ARCHITECTURES, ASK, KILL, REFUSE, UNKNOWN, decide
from weighbridge.sandbox import calls, filters
from weighbridge.sandbox.filters import DONE, NO_ATTRIBUTES, NO_DEVICE, Ways
from weighbridge.sandbox.making import MODES
from weighbridge.sandbox.numbers import LATEST, NUMBERS

READ, SENDTO, IOCTL, MOUNT = (NUMBERS[each] for each in ("read", "sendto", "ioctl", "mount"))
CONNECT, BIND, KILL_CALL = (NUMBERS[each] for each in ("connect", "bind", "kill"))
PRLIMIT, SETRLIMIT = NUMBERS["prlimit64"], NUMBERS["setrlimit"]
PRIORITY, IO_PRIORITY = NUMBERS["setpriority"], NUMBERS["ioprio_set"]
SCHEDULER, AFFINITY = NUMBERS["sched_setscheduler"], NUMBERS["sched_setaffinity"]
FCHMOD, TIMES, OWNER = (NUMBERS[each] for each in ("fchmod", "utimensat", "fchownat"))
ATTRIBUTE, WATCH = NUMBERS["getxattr"], NUMBERS["inotify_add_watch"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestObserving:
    """What is told, and what is let pass untold."""

    @pytest.mark.parametrize("name", calls.TOLD)
    def test_told(self, architecture: str, name: str) -> None:
        """Whatever opens, runs or renames a file, or changes what paths mean, is told."""
        code = filters.observing(architecture)
        assert decide(code, architecture, NUMBERS[name]) in {ASK, None}

    def test_untold(self, architecture: str) -> None:
        """Reading from what is open is not told: it would cost too much."""
        assert decide(filters.observing(architecture), architecture, READ) == ALLOW

    @pytest.mark.parametrize(
        ("family", "expected"), [(1, ALLOW), (16, ALLOW), (2, ASK), (10, ASK), (40, ASK)]
    )
    def test_sockets(self, architecture: str, family: int, expected: int) -> None:
        """A socket that can leave the machine is told; one that cannot is not."""
        code = filters.observing(architecture)
        assert decide(code, architecture, NUMBERS["socket"], family) == expected

    @pytest.mark.parametrize(
        ("flags", "expected"), [(0x20000, ASK), (0x10000000, ALLOW), (0, ALLOW)]
    )
    def test_mount_namespaces(self, architecture: str, flags: int, expected: int) -> None:
        """A new mount namespace is told, since paths mean something else there."""
        code = filters.observing(architecture)
        for pair in (NUMBERS["clone"], NUMBERS["unshare"]):
            assert decide(code, architecture, pair, flags) == expected

    def test_changes(self, architecture: str) -> None:
        """Changes of files are told where somebody else makes them, and else are not."""
        for pair in (FCHMOD, TIMES, OWNER):
            assert decide(filters.observing(architecture), architecture, pair) == ALLOW
            code = filters.observing(architecture, changes=True)
            assert decide(code, architecture, pair) == ASK
            assert decide(filters.changing(architecture, asked=True), architecture, pair) == ASK
            assert decide(filters.changing(architecture, asked=False), architecture, pair) == DONE
        assert decide(filters.changing(architecture, asked=True), architecture, READ) == ALLOW

    def test_hidden_ways(self, architecture: str) -> None:
        """Calls that would hide what is opened are said not to be there."""
        code = filters.observing(architecture)
        assert [decide(code, architecture, (n, n)) for n in (425, 435)] == [UNKNOWN, UNKNOWN]

    def test_other_architectures(self, architecture: str) -> None:
        """A call in another architecture's numbers is told, whatever it is."""
        code = filters.observing(architecture)
        assert decide(code, architecture, READ, audit=0x40000003) == ASK
        assert decide(code, architecture, (0x40000000, 0x40000000)) == ASK


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestConfining:
    """What a confined program is refused, whatever is around it."""

    @pytest.mark.parametrize("family", [1, 2, 10, 16, 17, 40])
    def test_no_network(self, architecture: str, family: int) -> None:
        """No socket of any family is made."""
        code = filters.confining(architecture, Ways())
        assert decide(code, architecture, NUMBERS["socket"], family, 1, 0) == REFUSE

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ((2, 1, 0), ALLOW),
            ((2, 1 | 0o2000000, 6), ALLOW),
            ((10, 1, 6), ALLOW),
            ((2, 2, 0), REFUSE),
            ((2, 1, 262), REFUSE),
            ((2, 1, 132), REFUSE),
            ((2, 3, 6), REFUSE),
            ((1, 1, 0), REFUSE),
            ((16, 3, 0), REFUSE),
            ((40, 1, 0), REFUSE),
        ],
    )
    def test_tcp_alone(
        self, architecture: str, arguments: tuple[int, int, int], expected: int
    ) -> None:
        """With ports there is TCP, and neither UDP nor MPTCP nor anything else."""
        code = filters.confining(architecture, Ways(network=True))
        assert decide(code, architecture, NUMBERS["socket"], *arguments) == expected

    def test_fast_open(self, architecture: str) -> None:
        """TCP cannot connect while it sends, which Landlock would not see."""
        code = filters.confining(architecture, Ways(network=True))
        assert decide(code, architecture, SENDTO, 3, 0, 0, 0x20000000) == REFUSE
        assert decide(code, architecture, SENDTO, 3, 0, 0, 0x4000) == ALLOW

    def test_terminals(self, architecture: str) -> None:
        """Nothing is typed into a terminal, which would run when the step is over."""
        code = filters.confining(architecture, Ways())
        assert decide(code, architecture, IOCTL, 0, 0x5412) == REFUSE
        assert decide(code, architecture, IOCTL, 0, 0x5401) == ALLOW

    @pytest.mark.parametrize("network", [False, True])
    def test_pairs_of_sockets(self, architecture: str, network: bool) -> None:
        """A pair is connected for good; one for datagrams could send to anybody."""
        code = filters.confining(architecture, Ways(network=network))
        for kind, expected in ((1, ALLOW), (5 | 0o2000000, ALLOW), (2, REFUSE), (3, REFUSE)):
            assert decide(code, architecture, NUMBERS["socketpair"], 1, kind) == expected
        assert decide(code, architecture, NUMBERS["socketpair"], 30, 1) == REFUSE

    def test_a_socket_stays_what_it_is(self, architecture: str) -> None:
        """A socket for TCP is not made one of a kind that Landlock does not see."""
        code = filters.confining(architecture, Ways(network=True))
        assert decide(code, architecture, NUMBERS["setsockopt"], 3, 6, 31) == REFUSE
        assert decide(code, architecture, NUMBERS["setsockopt"], 3, 6, 1) == ALLOW
        assert decide(code, architecture, NUMBERS["setsockopt"], 3, 1, 31) == ALLOW

    @pytest.mark.parametrize("flags", [1 << n for n in (17, 25, 26, 27, 28, 29, 30)])
    def test_namespaces(self, architecture: str, flags: int) -> None:
        """No namespace is made by way of a new process."""
        code = filters.confining(architecture, Ways())
        assert decide(code, architecture, NUMBERS["clone"], flags) == REFUSE
        assert decide(code, architecture, NUMBERS["clone"], 0x11) == ALLOW

    def test_leases(self, architecture: str) -> None:
        """Nobody else waits for a file that is read, and descriptors are duplicated and locked."""
        code = filters.confining(architecture, Ways())
        for command, expected in ((1024, REFUSE), (1026, REFUSE), (0, ALLOW), (1030, ALLOW)):
            assert decide(code, architecture, NUMBERS["fcntl"], 3, command) == expected

    def test_system(self, architecture: str) -> None:
        """Mounts and other roots are refused, reading and running is not."""
        code = filters.confining(architecture, Ways())
        assert decide(code, architecture, MOUNT) == REFUSE
        assert decide(code, architecture, NUMBERS["chroot"]) == REFUSE
        assert decide(code, architecture, NUMBERS["unshare"]) == REFUSE
        assert decide(code, architecture, NUMBERS["execve"]) == ALLOW
        assert decide(code, architecture, READ) == ALLOW

    def test_later_calls(self, architecture: str) -> None:
        """A call that the kernel got later is said not to be there; one before is as it was."""
        code = filters.confining(architecture, Ways(network=True, asking=True, modes=True))
        for later in (LATEST + 1, 512, 547, 0x3FFFFFFF):
            assert decide(code, architecture, (later, later)) == UNKNOWN
        assert decide(code, architecture, (LATEST, LATEST)) == REFUSE
        assert decide(code, architecture, (LATEST - 1, LATEST - 1)) == ALLOW

    @pytest.mark.parametrize("alone", [False, True])
    @pytest.mark.parametrize("name", [*calls.KERNEL, *calls.SHARED_BY_NUMBER])
    def test_what_leads_out(self, architecture: str, alone: bool, name: str) -> None:
        """What is listed is refused, whatever else a program may do."""
        ways = Ways(network=True, asking=True, interfaces=True, modes=True, devices=True)
        code = filters.confining(architecture, replace(ways, alone=alone))
        assert decide(code, architecture, NUMBERS[name]) in {REFUSE, None}

    def test_other_architectures(self, architecture: str) -> None:
        """A call in another architecture's numbers ends the process."""
        code = filters.confining(architecture, Ways())
        assert decide(code, architecture, READ, audit=0x40000003) == KILL


def walled(architecture: str, *, alone: bool, listening: bool = False) -> bytes:
    """Return the filter."""
    ways = Ways(alone=alone, listening=listening, connecting=alone and listening)
    return filters.confining(architecture, ways)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("alone", [False, True])
class TestWalls:
    """What is refused with and without namespaces."""

    def test_reading(self, architecture: str, alone: bool) -> None:
        """What programs do is let pass."""
        assert decide(walled(architecture, alone=alone), architecture, READ) == ALLOW

    def test_no_network(self, architecture: str, alone: bool) -> None:
        """Without ports, sockets that a program was given neither connect nor accept."""
        filtering = walled(architecture, alone=alone)
        assert decide(filtering, architecture, CONNECT) == REFUSE
        assert decide(filtering, architecture, BIND) == REFUSE

    def test_listening(self, architecture: str, alone: bool) -> None:
        """With ports it is reached, and connects only where nobody else is."""
        filtering = walled(architecture, alone=alone, listening=True)
        assert decide(filtering, architecture, BIND) == ALLOW
        assert decide(filtering, architecture, CONNECT) == (ALLOW if alone else REFUSE)

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [
            (0x5401, ALLOW),
            (0x802C542A, ALLOW),
            (0x541B, ALLOW),
            (0x8905, ALLOW),
            (0x540C, REFUSE),
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
        assert (
            decide(walled(architecture, alone=alone), architecture, IOCTL, 3, request_) == expected
        )

    def test_watches(self, architecture: str, alone: bool) -> None:
        """What others do with the system's programs is not told, wherever these are seen."""
        assert decide(walled(architecture, alone=alone), architecture, WATCH) == REFUSE

    @pytest.mark.parametrize("request_", [0x890B, 0x8912, 0x8927, 0x8946, 0x89E0, 0x89FF])
    def test_interfaces(self, architecture: str, alone: bool, request_: int) -> None:
        """A socket tells of interfaces only where the network is the program's own."""
        found = decide(walled(architecture, alone=alone), architecture, IOCTL, 3, request_)
        assert found == (ALLOW if alone else NO_DEVICE)

    @pytest.mark.parametrize("name", MODES)
    def test_as_owner(self, architecture: str, alone: bool, name: str) -> None:
        """No file is made to run as its owner or group; other modes are as without."""
        filtering, at = walled(architecture, alone=alone), MODES[name]
        for mode in (0o4755, 0o2755, 0o6000):
            arguments = [0] * at + [mode]
            found = decide(filtering, architecture, NUMBERS[name], *arguments)
            assert found in {REFUSE, None}
        plain = decide(filtering, architecture, NUMBERS[name], *[0] * at, 0o1777)
        assert plain in {ALLOW, DONE, None}

    @pytest.mark.parametrize(("name", "at"), [("open", 1), ("openat", 2)])
    @pytest.mark.parametrize(
        ("flags", "mode", "expected"),
        [
            (0o2, 0, ALLOW),
            (0o3, 0, REFUSE),
            (0o2000003, 0, REFUSE),
            (0o102, 0o644, ALLOW),
            (0o102, 0o4755, REFUSE),
            (0o20200002, 0o2755, REFUSE),
            (0o1, 0o4755, ALLOW),  # nothing is made: whatever that is, it is no mode
        ],
    )
    def test_opening(
        self,
        architecture: str,
        alone: bool,
        name: str,
        at: int,
        flags: int,
        mode: int,
        expected: int,
    ) -> None:
        """Files are opened to be read or written, and made without running as their owner."""
        code = walled(architecture, alone=alone)
        found = decide(code, architecture, NUMBERS[name], *[0] * at, flags, mode)
        assert found in {expected, None}

    def test_unseen_opening(self, architecture: str, alone: bool) -> None:
        """The call whose flags lie in memory is said not to be there."""
        code = walled(architecture, alone=alone)
        assert decide(code, architecture, NUMBERS["openat2"]) == UNKNOWN

    def test_no_core(self, architecture: str, alone: bool) -> None:
        """The limit on dumps stays; it can be read, and other limits can be changed."""
        filtering = walled(architecture, alone=alone)
        assert decide(filtering, architecture, SETRLIMIT, 4) == DONE
        assert decide(filtering, architecture, SETRLIMIT, 7) == ALLOW
        assert decide(filtering, architecture, PRLIMIT, 0, 4, 1) == DONE
        assert decide(filtering, architecture, PRLIMIT, 0, 4, 1 << 32) == DONE
        assert decide(filtering, architecture, PRLIMIT, 0, 4, 0) == ALLOW
        assert decide(filtering, architecture, PRLIMIT, 0, 7, 1) == ALLOW

    def test_groups(self, architecture: str, alone: bool) -> None:
        """A program slows itself, and no group or user, to which processes outside belong."""
        filtering = walled(architecture, alone=alone)
        assert decide(filtering, architecture, PRIORITY, 0, 0, 5) == ALLOW
        assert decide(filtering, architecture, PRIORITY, 1, 0, 5) == REFUSE
        assert decide(filtering, architecture, PRIORITY, 0, 7, 5) == REFUSE
        assert decide(filtering, architecture, IO_PRIORITY, 1, 0, 5) == ALLOW
        assert decide(filtering, architecture, IO_PRIORITY, 2, 0, 5) == REFUSE
        assert decide(filtering, architecture, IO_PRIORITY, 1, 7, 5) == REFUSE

    def test_signals(self, architecture: str, alone: bool) -> None:
        """Where Landlock does not keep signals inside, none goes to the own group."""
        older = filters.confining(architecture, Ways(alone=alone, signals_confined=False))
        assert decide(older, architecture, KILL_CALL, 0, 9) == REFUSE
        assert decide(older, architecture, KILL_CALL, 7, 9) == ALLOW
        assert decide(walled(architecture, alone=alone), architecture, KILL_CALL, 0, 9) == ALLOW


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
        ],
    )
    def test_files(self, architecture: str, pair: tuple[int, int], expected: int) -> None:
        """Modes, times, owners and attributes, none of which Landlock sees."""
        assert decide(walled(architecture, alone=False), architecture, pair) == expected
        assert decide(walled(architecture, alone=True), architecture, pair) == ALLOW

    @pytest.mark.parametrize(
        ("pair", "expected"), [(SCHEDULER, REFUSE), (PRLIMIT, REFUSE), (AFFINITY, DONE)]
    )
    def test_processes(self, architecture: str, pair: tuple[int, int], expected: int) -> None:
        """Limits and scheduling are the program's own."""
        assert decide(walled(architecture, alone=False), architecture, pair, 7) == expected
        assert decide(walled(architecture, alone=False), architecture, pair, 0) == ALLOW
        assert decide(walled(architecture, alone=True), architecture, pair, 7) == ALLOW


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestWays:
    """What is let pass where a program may do more."""

    def test_unix_sockets(self, architecture: str) -> None:
        """They are made where another filter asks whom they are for, and send to nobody else."""
        code = filters.confining(architecture, Ways(asking=True))
        for kind, expected in ((1, ALLOW), (5 | 0o4000, ALLOW), (2, REFUSE)):
            assert decide(code, architecture, NUMBERS["socket"], 1, kind, 0) == expected
        assert decide(code, architecture, NUMBERS["socket"], 2, 1, 0) == REFUSE
        assert decide(code, architecture, CONNECT) == ALLOW
        both = filters.confining(architecture, Ways(asking=True, network=True))
        assert decide(both, architecture, NUMBERS["socket"], 2, 1, 0) == ALLOW
        assert decide(both, architecture, NUMBERS["socket"], 1, 1, 0) == ALLOW

    @pytest.mark.parametrize("alone", [False, True])
    def test_interfaces(self, architecture: str, alone: bool) -> None:
        """Of netlink's protocols one is let pass, and only where a broker says what it is bound to."""
        code = filters.confining(
            architecture, Ways(asking=True, interfaces=True, network=alone, alone=alone)
        )
        for kind in (2, 3, 3 | 0o2000000):
            found = [decide(code, architecture, NUMBERS["socket"], 16, kind, n) for n in range(32)]
            assert found == [ALLOW] + [REFUSE] * 31
        assert decide(code, architecture, NUMBERS["socket"], 1, 1, 0) == ALLOW
        assert decide(code, architecture, NUMBERS["socket"], 17, 3, 0) == REFUSE
        assert decide(code, architecture, NUMBERS["setsockopt"], 3, 270, 1) == REFUSE
        for ways in (Ways(asking=True, network=True), Ways(interfaces=True, network=True)):
            less = filters.confining(architecture, ways)
            assert decide(less, architecture, NUMBERS["socket"], 16, 3, 0) == REFUSE

    def test_modes(self, architecture: str) -> None:
        """A step of a build changes modes and times, and attributes of files all the less."""
        code = filters.confining(architecture, Ways(modes=True))
        assert decide(code, architecture, FCHMOD) == ALLOW
        assert decide(code, architecture, TIMES) == ALLOW
        assert decide(code, architecture, ATTRIBUTE) == NO_ATTRIBUTES

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [
            (0xC020462A, ALLOW),
            (0xC0406400, ALLOW),
            (0xC0584B02, ALLOW),
            (0x30000001, ALLOW),
            (0x4B45, NO_DEVICE),
            (0x5606, NO_DEVICE),
            (0x40086602, NO_DEVICE),
            (0x401C5820, NO_DEVICE),
            (0x40049409, NO_DEVICE),
            (0x5412, REFUSE),
            (0x8912, NO_DEVICE),
            (0x8B1B, NO_DEVICE),
        ],
    )
    def test_devices(self, architecture: str, request_: int, expected: int) -> None:
        """Graphics processors are controlled, and files, terminals and consoles no more than without."""
        code = filters.confining(architecture, Ways(devices=True))
        assert decide(code, architecture, IOCTL, 3, request_) == expected


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestStayingAlone:
    """What a program is refused that hands back one result."""

    @pytest.mark.parametrize("name", [*calls.STARTING, *calls.UNCOUNTED])
    def test_refused(self, architecture: str, name: str) -> None:
        """Processes, programs, and memory that no limit counts."""
        code = filters.staying_alone(architecture)
        assert decide(code, architecture, NUMBERS[name]) in {REFUSE, None}

    def test_threads(self, architecture: str) -> None:
        """Threads are started, by the call whose flags can be seen."""
        code = filters.staying_alone(architecture)
        assert decide(code, architecture, NUMBERS["clone"], 0x10000) == ALLOW
        assert decide(code, architecture, NUMBERS["clone"], 0x11) == REFUSE
        assert decide(code, architecture, NUMBERS["clone3"]) == UNKNOWN
        assert decide(code, architecture, READ) == ALLOW
