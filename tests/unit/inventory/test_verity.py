"""fs-verity, at the border to the kernel: few file systems have it, so the kernel is made up."""

import errno
import fcntl
import os
import struct
import sys
from pathlib import Path

import pytest

from support.holding import hold_files
from weighbridge.inventory.verity import enable, measure
from weighbridge.load.tree import find_difference, remove_tree, write_tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")

ENABLE, MEASURE = 0x40806685, 0xC0046686


class Kernel:
    """The two calls, as the kernel's documentation has them (filesystems/fsverity)."""

    def __init__(self, *, refuses: int | None = None) -> None:
        self.refuses = refuses
        self.enabled: list[tuple[int, int]] = []

    def ioctl(self, descriptor: int, request: int, argument: bytes | bytearray) -> bytes | int:
        """Do what is asked for."""
        status = os.fstat(descriptor)
        if request == MEASURE:
            if (status.st_dev, status.st_ino) not in self.enabled:
                raise OSError(errno.ENODATA, "no verity")
            assert isinstance(argument, bytearray)
            argument[:4] = struct.pack("=HH", 1, 32)
            argument[4:36] = b"\x07" * 32
            return 0
        assert request == ENABLE
        if self.refuses is not None:
            raise OSError(self.refuses, os.strerror(self.refuses))
        version, algorithm, block, salt, at, signature, reserved, place = struct.unpack_from(
            "=IIIIQIIQ", argument
        )
        assert (len(argument), version, algorithm, block) == (128, 1, 1, 4096)
        assert (salt, at, signature, reserved, place) == (0, 0, 0, 0, 0)
        assert not any(argument[40:])
        assert os.get_inheritable(descriptor) is False
        # Whoever enables it has to be allowed to write, and nobody may be about to.
        assert status.st_mode & 0o200
        assert fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        self.enabled.append((status.st_dev, status.st_ino))
        return 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Have a kernel that does as it is asked."""
    made = Kernel()
    monkeypatch.setattr("weighbridge.inventory.verity.fcntl.ioctl", made.ioctl)
    return made


def test_a_file_that_is_kept_has_a_digest(kernel: Kernel, tmp_path: Path) -> None:
    """It is measured only once the kernel keeps it."""
    file = tmp_path / "f"
    file.write_bytes(b"x")
    with file.open("rb") as opened:
        assert measure(opened.fileno()) is None
        assert enable(file)
        assert measure(opened.fileno()) == "1:" + "07" * 32
    assert len(kernel.enabled) == 1


@pytest.mark.parametrize(
    "refusal", [errno.ENOTTY, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.EEXIST, errno.EIO]
)
def test_a_file_system_that_cannot(refusal: int, kernel: Kernel, tmp_path: Path) -> None:
    """It is said and no more: the file is as good as it was."""
    kernel.refuses = refusal
    file = tmp_path / "f"
    file.write_bytes(b"x")
    assert not enable(file)
    assert file.read_bytes() == b"x"


def test_copies_in_the_store_are_kept(kernel: Kernel, tmp_path: Path) -> None:
    """Every file of a copy, while it can be written to, and it is the same copy afterwards."""
    files = hold_files({"a": b"x" * 100_000, "b/c": b"y"})
    held = {path: files[path] for path in files.paths}
    write_tree(tmp_path / "copy", held)
    inodes = {path.stat().st_ino for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert {inode for _, inode in kernel.enabled} == inodes
    assert find_difference(tmp_path / "copy", held) is None
    remove_tree(tmp_path / "copy")


def test_without_it_copies_are_made_all_the_same(kernel: Kernel, tmp_path: Path) -> None:
    """Most file systems have none."""
    kernel.refuses = errno.ENOTTY
    files = hold_files({"a": b"x"})
    write_tree(tmp_path / "copy", {"a": files["a"]})
    assert (tmp_path / "copy" / "a").stat().st_mode & 0o777 == 0o444
    remove_tree(tmp_path / "copy")


def test_this_kernel_is_asked(tmp_path: Path) -> None:
    """Whatever the kernel here answers, it is one of the two."""
    file = tmp_path / "f"
    file.write_bytes(b"x")
    kept = enable(file)
    with file.open("rb") as opened:
        assert (measure(opened.fileno()) is not None) == kept


def test_other_systems_cannot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the calls do not exist, nothing is asked for."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not enable(tmp_path / "none")
    assert measure(0) is None
