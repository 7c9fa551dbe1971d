"""Changes of modes, owners and times by an isolated step: below where it may write, and not else."""

import ctypes
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.steps import isolation, run, shell
from weighbridge.sandbox import kernel
from weighbridge.sandbox.steps import changes
from weighbridge.sandbox.steps.changes import Changes
from weighbridge.sandbox.steps.launch import is_supported
from weighbridge.sandbox.steps.notices import Notice

pytestmark = pytest.mark.skipif(not is_supported(), reason="no steps here")

TOOLS = """
import ctypes, os, sys
library = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if library[name](*arguments):
        raise OSError(ctypes.get_errno(), name)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a new directory with a file outside, and give its real path."""
    monkeypatch.chdir(tmp_path)
    found = Path(os.path.realpath(tmp_path))
    (found / "outside").write_text("x", "utf-8")
    (found / "outside").chmod(0o640)
    os.utime(found / "outside", (1000, 1000))
    return found


def python(place: Path, code: str, *, observe: bool = False) -> int | None:
    """Run *code* as an isolated step; return how it ended."""
    report = run(sys.executable, "-c", TOOLS + code, isolation=isolation(place), observe=observe)
    if report.failure is not None:
        pytest.skip(report.failure)
    return report.exit_code


def untouched(place: Path) -> bool:
    """Tell whether the file outside is as it was."""
    found = (place / "outside").stat()
    return (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o640, 1000)


@pytest.mark.parametrize("observe", [False, True])
def test_in_its_own_places(place: Path, observe: bool) -> None:
    """What it made it can make executable, and give times."""
    script = (
        "umask 022; printf '#!/bin/sh\\nexit 7\\n' > out/tool && chmod 755 out/tool &&"
        "touch -d @5000 out/tool && cp -p out/tool out/copy && out/copy"
    )
    report = shell(script, isolation=isolation(place), observe=observe)
    if report.failure is not None:
        pytest.skip(report.failure)
    assert report.exit_code == 7
    for name in ("tool", "copy"):
        found = (place / "out" / name).stat()
        assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o755, 5000)
    assert (report.observation is not None) is observe


@pytest.mark.parametrize(
    "code",
    [
        "os.chmod(OUTSIDE, 0o777)",
        "os.chmod('out/link', 0o777)",
        "os.chmod('out/../outside', 0o777)",
        "os.chmod('../outside', 0o777, dir_fd=os.open('out', os.O_RDONLY))",
        "os.chown(OUTSIDE, os.getuid(), os.getgid())",
        "os.chown(OUTSIDE, os.getuid(), os.getgid(), follow_symlinks=False)",
        "os.utime(OUTSIDE, (1, 1))",
        "os.utime(OUTSIDE)",
        "call('utimes', OUTSIDE.encode(), None)",
        "os.chmod('/proc/self/cwd/outside', 0o777)",
        "os.fchmod(0, 0o777)",
        "os.utime(0, (1, 1))",
    ],
)
def test_elsewhere(place: Path, code: str) -> None:
    """A file outside is not changed, whatever leads to it; the call says so."""
    (place / "out").mkdir()
    (place / "out" / "link").symlink_to(place / "outside")
    whole = f"OUTSIDE = {str(place / 'outside')!r}\ntry:\n    {code}\nexcept PermissionError:\n"
    opened = f"os.dup2(os.open({str(place / 'in')!r}, os.O_RDONLY), 0)\n"
    assert python(place, opened + whole + "    sys.exit(3)\n") == 3
    assert untouched(place)


@pytest.mark.parametrize(
    "code",
    [
        "os.chmod('out/file', 0o600)",
        "os.fchmod(os.open('out/file', os.O_RDONLY), 0o600)",
        "os.chmod('file', 0o600, dir_fd=os.open('out', os.O_RDONLY))",
        "os.chmod('/dev/fd/' + str(os.open('out/file', os.O_RDONLY)), 0o600)",
        "call('chmod', b'out/file', 0o600)",
        "call('fchmodat', -100, b'out/file', 0o600, 0)",
    ],
)
def test_modes(place: Path, code: str) -> None:
    """Each call that changes a mode does so in its own places."""
    (place / "out").mkdir()
    (place / "out" / "file").write_text("x", "utf-8")
    assert python(place, code) == 0
    assert stat.S_IMODE((place / "out" / "file").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("os.utime('out/file', (7, 8))", (7, 8)),
        ("os.utime(os.open('out/file', os.O_RDONLY), (7, 8))", (7, 8)),
        ("os.utime('out/file', ns=(7 * 10**9, 8 * 10**9))", (7, 8)),
        ("call('utime', b'out/file', (ctypes.c_long * 2)(7, 8))", (7, 8)),
        ("call('utimes', b'out/file', (ctypes.c_long * 4)(7, 0, 8, 0))", (7, 8)),
        ("call('futimesat', -100, b'out/file', (ctypes.c_long * 4)(7, 0, 8, 0))", (7, 8)),
        ("call('utimensat', -100, b'out/file', (ctypes.c_long * 4)(7, 0, 0, 0x3ffffffe), 0)",
         (7, 1)),
    ],
)  # fmt: skip
def test_times(place: Path, code: str, expected: tuple[int, int]) -> None:
    """Each call that changes times does so, by its own form of them."""
    (place / "out").mkdir()
    file = place / "out" / "file"
    file.write_text("x", "utf-8")
    os.utime(file, (1, 1))
    assert python(place, code) == 0
    assert (file.stat().st_atime, file.stat().st_mtime) == expected


def test_owners(place: Path) -> None:
    """The owner of what it made can be set to the one that it has, of a link as well."""
    code = (
        "open('out/file', 'x').close(); os.symlink('file', 'out/link')\n"
        "own = os.getuid(), os.getgid()\n"
        "os.chown('out/file', *own); os.lchown('out/link', *own)\n"
        "os.fchown(os.open('out/file', os.O_RDONLY), -1, -1)\n"
        "os.utime('out/link', (3, 3), follow_symlinks=False)\n"
    )
    assert python(place, code) == 0
    assert (place / "out" / "link").lstat().st_mtime == 3
    assert (place / "out" / "file").stat().st_mtime != 3


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_rights_of_others(place: Path, mode: int) -> None:
    """No program is made that gives whoever runs it another's rights."""
    code = (
        "open('out/file', 'x').close()\n"
        f"try:\n    os.chmod('out/file', {mode})\nexcept PermissionError:\n    sys.exit(3)\n"
    )
    assert python(place, code) == 3
    assert not (place / "out" / "file").stat().st_mode & 0o6000


def test_what_is_not_there(place: Path) -> None:
    """A name of nothing, and a descriptor of nothing, are said to be that."""
    code = (
        "for what in 'out/none', 777:\n"
        "    try:\n        os.chmod(what, 0o600)\n"
        "    except FileNotFoundError:\n        continue\n"
        "    sys.exit(3)\n"
    )
    assert python(place, code) == 0


class TestInPlace:
    """What the runner does with a call, without a process that made it."""

    @pytest.fixture
    def notice(self, tmp_path: Path) -> Iterator[Notice]:
        """Return a call of this very process that makes a file private."""
        number = kernel.require_number("fchmod")
        file = tmp_path / "file"
        file.touch(mode=0o644)
        opened = os.open(file, os.O_RDONLY)
        yield Notice(1, os.getpid(), 0, number, (opened, 0o600, 0, 0, 0, 0))
        os.close(opened)

    def test_valid(self, notice: Notice, tmp_path: Path) -> None:
        """It is made while the thread waits."""
        assert Changes([str(tmp_path)]).make(notice, lambda: True) == 0
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600

    def test_gone(self, notice: Notice, tmp_path: Path) -> None:
        """It is not made for a thread that is gone: its number may be another one's."""
        assert Changes([str(tmp_path)]).make(notice, lambda: False) != 0
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644

    def test_beside(self, notice: Notice, tmp_path: Path) -> None:
        """A place whose name only begins like one that may be changed is another."""
        assert Changes([f"{tmp_path}x", f"{tmp_path}/fil"]).make(notice, lambda: True) != 0
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644

    def test_other_calls(self, notice: Notice) -> None:
        """Other calls are not changes, and none is where the architecture is not known."""
        changing = Changes([])
        assert changing.is_about(notice)
        read = kernel.require_number("read")
        assert not changing.is_about(Notice(1, 1, 0, read, (0,) * 6))
        assert changes._calls("") == {}


def test_the_c_library_has_the_calls() -> None:
    """What the steps above call by name is there."""
    library = ctypes.CDLL(None)
    assert all(library[name] for name in ("chmod", "fchmodat", "utime", "utimes", "futimesat"))
