"""What the kernel says of a file besides its stamp."""

import os
import struct
import sys
from pathlib import Path

import pytest

from weighbridge.inventory import standing
from weighbridge.inventory.standing import Standing, lasting_devices, standing_of

MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:21 / /tmp rw - tmpfs tmpfs rw
24 22 0:44 / /mnt/a\\040b rw shared:1 - fuse.sshfs host rw
25 22 259:3 / /data rw shared:9 master:1 - xfs /dev/nvme0n1p3 rw
26 22 broken / /x rw - ext4 /dev/x rw
27 22
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")


def test_an_ordinary_file_has_no_verity(tmp_path: Path) -> None:
    """A file that can be written to has no fs-verity digest, and the same standing each time."""
    (tmp_path / "f").write_bytes(b"x")
    with (tmp_path / "f").open("rb") as file:
        found = standing_of(file.fileno())
        assert found.verity is None
        assert standing_of(file.fileno()) == found


def test_what_is_no_file_has_neither() -> None:
    """A pipe has no generation and no digest."""
    reading, writing = os.pipe()
    try:
        assert standing_of(reading) == Standing(generation=None, verity=None)
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("size", "verity"), [(32, "1:" + "ab" * 32), (0, None), (65, None), (64, "1:" + "ab" * 64)]
)
def test_a_digest_of_the_kernel(
    size: int, verity: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel measured is taken with its algorithm; an answer that cannot be is not."""

    def ioctl(_descriptor: int, request: int, argument: bytes | bytearray) -> bytes | int:
        if request == 0xC0046686:
            assert isinstance(argument, bytearray)
            assert struct.unpack_from("=HH", argument) == (0, 64)
            argument[:] = struct.pack("=HH", 1, size) + b"\xab" * 64
            return 0
        return (5).to_bytes(4, sys.byteorder) + bytes(4)

    monkeypatch.setattr("weighbridge.inventory.standing.fcntl.ioctl", ioctl)
    assert standing_of(0) == Standing(generation=5, verity=verity)


def test_only_local_file_systems_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices of known local file systems are lasting; memory, network and broken lines are not."""
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(standing, "_MOUNTS", tmp_path / "mountinfo")
    assert lasting_devices() == {os.makedev(8, 1), os.makedev(259, 3)}
    monkeypatch.setattr(standing, "_MOUNTS", tmp_path / "none")
    assert lasting_devices() == frozenset()


def test_other_systems_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the calls do not exist, nothing is known."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert standing_of(0) == Standing(generation=None, verity=None)
