"""The filters of steps, run as the kernel runs them."""

import pytest

from support.filters import ALLOW, ARCHITECTURES, ASK, KILL, REFUSE, UNKNOWN, decide
from weighbridge.sandbox.steps import filters

READ = (0, 63)
SENDTO = (44, 206)
IOCTL = (16, 29)
MOUNT = (165, 40)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestObserving:
    """What is told, and what is let pass untold."""

    @pytest.mark.parametrize(
        "pair",
        [
            filters.OPEN,
            filters.OPENAT,
            filters.OPENAT2,
            filters.CREAT,
            filters.EXECVE,
            filters.EXECVEAT,
            filters.RENAME,
            filters.RENAMEAT,
            filters.RENAMEAT2,
            filters.LINK,
            filters.LINKAT,
            filters.SETNS,
            filters.CHROOT,
            filters.PIVOT_ROOT,
            filters.OPEN_BY_HANDLE_AT,
        ],
    )
    def test_told(self, architecture: str, pair: tuple[int | None, int | None]) -> None:
        """Whatever opens, runs or renames a file, or changes what paths mean, is told."""
        assert decide(filters.observing(architecture), architecture, pair) in {ASK, None}

    def test_untold(self, architecture: str) -> None:
        """Reading from what is open is not told: it would cost too much."""
        assert decide(filters.observing(architecture), architecture, READ) == ALLOW

    @pytest.mark.parametrize(
        ("family", "expected"), [(1, ALLOW), (16, ALLOW), (2, ASK), (10, ASK), (40, ASK)]
    )
    def test_sockets(self, architecture: str, family: int, expected: int) -> None:
        """A socket that can leave the machine is told; one that cannot is not."""
        code = filters.observing(architecture)
        assert decide(code, architecture, filters.SOCKET, family) == expected

    @pytest.mark.parametrize(
        ("flags", "expected"), [(0x20000, ASK), (0x10000000, ALLOW), (0, ALLOW)]
    )
    def test_mount_namespaces(self, architecture: str, flags: int, expected: int) -> None:
        """A new mount namespace is told, since paths mean something else there."""
        code = filters.observing(architecture)
        for pair in (filters.CLONE, filters.UNSHARE):
            assert decide(code, architecture, pair, flags) == expected

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
class TestIsolating:
    """What an isolated step is refused."""

    @pytest.mark.parametrize("family", [1, 2, 10, 16, 17, 40])
    def test_no_network(self, architecture: str, family: int) -> None:
        """No socket of any family is made."""
        code = filters.isolating(architecture, network=False)
        assert decide(code, architecture, filters.SOCKET, family, 1, 0) == REFUSE

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
        code = filters.isolating(architecture, network=True)
        assert decide(code, architecture, filters.SOCKET, *arguments) == expected

    def test_fast_open(self, architecture: str) -> None:
        """TCP cannot connect while it sends, which Landlock would not see."""
        code = filters.isolating(architecture, network=True)
        assert decide(code, architecture, SENDTO, 3, 0, 0, 0x20000000) == REFUSE
        assert decide(code, architecture, SENDTO, 3, 0, 0, 0x4000) == ALLOW

    def test_terminals(self, architecture: str) -> None:
        """Nothing is typed into a terminal, which would run when the step is over."""
        code = filters.isolating(architecture, network=False)
        assert decide(code, architecture, IOCTL, 0, 0x5412) == REFUSE
        assert decide(code, architecture, IOCTL, 0, 0x5401) == ALLOW

    @pytest.mark.parametrize("network", [False, True])
    def test_pairs_of_sockets(self, architecture: str, network: bool) -> None:
        """A pair is connected for good; one for datagrams could send to anybody."""
        code = filters.isolating(architecture, network=network)
        for kind, expected in ((1, ALLOW), (5 | 0o2000000, ALLOW), (2, REFUSE), (3, REFUSE)):
            assert decide(code, architecture, filters.SOCKETPAIR, 1, kind) == expected
        assert decide(code, architecture, filters.SOCKETPAIR, 30, 1) == REFUSE

    def test_a_socket_stays_what_it_is(self, architecture: str) -> None:
        """A socket for TCP is not made one of a kind that Landlock does not see."""
        code = filters.isolating(architecture, network=True)
        assert decide(code, architecture, filters.SETSOCKOPT, 3, 6, 31) == REFUSE
        assert decide(code, architecture, filters.SETSOCKOPT, 3, 6, 1) == ALLOW
        assert decide(code, architecture, filters.SETSOCKOPT, 3, 1, 31) == ALLOW

    @pytest.mark.parametrize("flags", [1 << n for n in (17, 25, 26, 27, 28, 29, 30)])
    def test_namespaces(self, architecture: str, flags: int) -> None:
        """No namespace is made by way of a new process."""
        code = filters.isolating(architecture, network=False)
        assert decide(code, architecture, filters.CLONE, flags) == REFUSE
        assert decide(code, architecture, filters.CLONE, 0x11) == ALLOW

    def test_system(self, architecture: str) -> None:
        """Mounts and other roots are refused, reading and running is not."""
        code = filters.isolating(architecture, network=False)
        assert decide(code, architecture, MOUNT) == REFUSE
        assert decide(code, architecture, filters.CHROOT) == REFUSE
        assert decide(code, architecture, filters.UNSHARE) == REFUSE
        assert decide(code, architecture, filters.EXECVE) == ALLOW
        assert decide(code, architecture, READ) == ALLOW

    def test_other_architectures(self, architecture: str) -> None:
        """A call in another architecture's numbers ends the process."""
        code = filters.isolating(architecture, network=False)
        assert decide(code, architecture, READ, audit=0x40000003) == KILL
