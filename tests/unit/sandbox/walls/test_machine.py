"""What the kernel lets this process do, and what to do where it refuses."""

import errno
import os

import pytest

from weighbridge.sandbox import kernel, landlock
from weighbridge.sandbox.walls import machine


def refusing(number: int) -> object:
    """Return a function that fails like a system call."""

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize(
    ("number", "reason", "remedy"),
    [
        (errno.ENOSYS, "Function not implemented", "Linux 6.12 or newer"),
        (errno.EPERM, "Operation not permitted", "seccomp profile"),
        (errno.EOPNOTSUPP, "switched off", "lsm="),
    ],
)
def test_landlock_is_missing(
    monkeypatch: pytest.MonkeyPatch, number: int, reason: str, remedy: str
) -> None:
    """A kernel without it, a filter around and a boot parameter each need something else."""
    monkeypatch.setattr(landlock, "version", refusing(number))
    assert machine.landlock_version() == 0
    problem = machine.landlock_problem(6)
    assert problem is not None
    assert reason in problem.reason
    assert any(remedy in each for each in problem.remedies)


@pytest.mark.parametrize(("known", "fits"), [(5, False), (6, True), (9, True)])
def test_landlock_has_to_be_new_enough(
    monkeypatch: pytest.MonkeyPatch, known: int, fits: bool
) -> None:
    """An older version than what is needed is named with the release that has it."""
    monkeypatch.setattr(landlock, "version", lambda: known)
    problem = machine.landlock_problem(6)
    assert (problem is None) == fits
    if problem is not None:
        assert problem.reason == "Landlock 6 is needed, and the kernel has 5"
        assert problem.remedies == ("use Linux 6.12 or newer",)


def test_filters_are_asked_for_without_one() -> None:
    """The kernel is asked for real, and this process is filtered no more than before."""
    before = machine._status("Seccomp_filters")
    assert machine.filter_problem() is None
    assert machine._status("Seccomp_filters") == before


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPERM, errno.ENOSYS])
def test_filters_are_missing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A kernel that does not even look at a filter has none."""
    monkeypatch.setattr(kernel, "prctl", refusing(number))
    problem = machine.filter_problem()
    assert problem is not None
    assert os.strerror(number) in problem.reason


def test_an_unknown_architecture_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the numbers of system calls nothing can be filtered."""
    monkeypatch.setattr(kernel, "machine", lambda: None)
    problem = machine.filter_problem()
    assert problem is not None
    assert "architecture" in problem.reason


def test_a_kernel_that_takes_no_filter_for_one_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever says that nothing was installed as a filter does not filter."""
    monkeypatch.setattr(kernel, "prctl", lambda *_: 0)
    assert machine.filter_problem() is not None


SETTINGS = {
    "user/max_user_namespaces": "0",
    "kernel/unprivileged_userns_clone": "0",
    "kernel/apparmor_restrict_unprivileged_userns": "1",
}


@pytest.mark.parametrize("name", sorted(SETTINGS))
@pytest.mark.parametrize("user", [0, 1000])
def test_a_setting_against_namespaces_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, user: int
) -> None:
    """The command changes the very setting that is in the way; two of them do not bind root."""
    monkeypatch.setattr(machine, "_setting", lambda each: SETTINGS[name] if each == name else None)
    monkeypatch.setattr(machine, "_status", lambda _: "0")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    command = f"sysctl -w {name.replace('/', '.')}="
    binds = user != 0 or name == "user/max_user_namespaces"
    assert any(each.startswith(command) for each in machine.namespace_remedies()) == binds


def test_a_filter_around_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the profile is to be changed, or the other engine taken."""
    monkeypatch.setattr(machine, "_setting", lambda _: None)
    monkeypatch.setattr(machine, "_status", lambda _: "2")
    remedies = machine.namespace_remedies()
    assert any("unshare" in each for each in remedies)
    assert any("RestrictSUIDSGID" in each for each in remedies)
    assert any("direct" in each for each in remedies)
    monkeypatch.setattr(machine, "_status", lambda _: "0")
    assert len(machine.namespace_remedies()) == 1
