"""Which measures hold when the system refuses some, without confining the tests themselves."""

import errno
import os
import resource
import signal
from typing import Any

import pytest

from weighbridge.sandbox import kernel, landlock, seccomp
from weighbridge.sandbox.confine import confine
from weighbridge.sandbox.interface import Allowance, Measure

Done = dict[str, list[Any]]
"""What was asked of the system, by kind."""

ALLOWANCE = Allowance(memory_bytes=1 << 40, cpu_seconds=1 << 20, readable=("/usr/lib",))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Done:
    """Put a system in place that does what it is told and only writes it down."""
    done: Done = {"limits": [], "prctl": [], "files": [], "calls": []}
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    monkeypatch.setattr(
        resource, "setrlimit", lambda which, pair: done["limits"].append((which, pair))
    )
    monkeypatch.setattr(kernel, "prctl", lambda *values: done["prctl"].append(values))
    monkeypatch.setattr(kernel, "drop_capabilities", lambda: None)
    monkeypatch.setattr(landlock, "restrict", done["files"].append)
    monkeypatch.setattr(seccomp, "restrict", lambda: done["calls"].append(True))
    return done


def refuse(*_arguments: object) -> None:
    """Refuse as a container does."""
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_everything_is_provided(system: Done) -> None:
    """Every measure is taken, and no limit is raised above what there is."""
    found = confine(ALLOWANCE, parent=os.getppid())
    assert found.is_complete
    assert system["files"] == [("/usr/lib",)]
    limits = dict(system["limits"])
    assert limits[resource.RLIMIT_AS] == (200, 200)
    assert limits[resource.RLIMIT_FSIZE] == (0, 0)


@pytest.mark.parametrize(
    ("module", "name", "measure"),
    [
        (landlock, "restrict", Measure.FILES),
        (seccomp, "restrict", Measure.CALLS),
        (kernel, "drop_capabilities", Measure.PRIVILEGES),
    ],
)
def test_one_is_refused(
    system: Done,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    measure: Measure,
) -> None:
    """A measure that is refused is reported, and the others are taken nevertheless."""
    del system
    monkeypatch.setattr(module, name, refuse)
    found = confine(ALLOWANCE, parent=os.getppid())
    assert [refused for refused, _ in found.refused] == [measure]
    assert found.enforced == frozenset(Measure) - {measure}


@pytest.mark.usefixtures("system")
def test_orphan_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose parent has ended before it could say so ends itself."""
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *values: killed.append(values))
    confine(ALLOWANCE, parent=os.getppid() + 1)
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_unknown_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where system calls have other numbers than those that are known, nothing is guessed."""
    there = os.uname()
    other = os.uname_result((*tuple(there)[:4], "riscv64"))
    monkeypatch.setattr(os, "uname", lambda: other)
    assert kernel.machine() is None
    assert not seccomp.is_available()
    with pytest.raises(OSError, match="architecture"):
        seccomp.restrict()
    monkeypatch.setattr(kernel, "prctl", lambda *_: pytest.fail("something was given up"))
    with pytest.raises(OSError, match="architecture"):
        kernel.drop_capabilities()


def test_refused_call_is_an_error() -> None:
    """A system call that the kernel refuses raises with its reason."""
    with pytest.raises(OSError, match="Invalid argument"):
        kernel.prctl(999_999)
