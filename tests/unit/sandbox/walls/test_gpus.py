"""Which device files of graphics processors are found."""

import os
import stat
from pathlib import Path

import pytest

from weighbridge.sandbox.walls.gpus import find_gpus

WANTED = (
    "dev/dri/renderD128",
    "dev/kfd",
    "dev/nvidia-caps/nvidia-cap1",
    "dev/nvidia-uvm",
    "dev/nvidia0",
    "dev/nvidia12",
    "dev/nvidiactl",
)
UNWANTED = (
    "dev/dri/card0",
    "dev/nvidia-modeset",
    "dev/nvidia-uvm-tools",
    "dev/nvram",
    "dev/dri/by-path",
)


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a root in which files of these names count as devices, but for links."""
    for name in (*WANTED, *UNWANTED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "dev" / "nvidia7").symlink_to("nvram")
    monkeypatch.setattr(stat, "S_ISCHR", stat.S_ISREG)
    return tmp_path


def test_what_computes_is_found(devices: Path) -> None:
    """No display, no tool that watches others, no other device and no link is among it."""
    found = find_gpus(os.fspath(devices)).nodes
    assert sorted(found) == [os.fspath(devices / name) for name in WANTED]


def test_what_is_no_device_is_not_found(tmp_path: Path) -> None:
    """Files, directories and links of these names are nothing that a driver answers."""
    (tmp_path / "dev" / "kfd").mkdir(parents=True)
    (tmp_path / "dev" / "nvidia0").touch()
    (tmp_path / "dev" / "nvidiactl").symlink_to("/dev/null")
    assert find_gpus(os.fspath(tmp_path)).nodes == ()


def test_what_drivers_tell_is_shown(devices: Path) -> None:
    """What is there is readable; of the bus only what shows pictures or accelerates."""
    for name in ("proc/driver/nvidia", "sys/module/nvidia", "sys/bus/pci/devices"):
        (devices / name).mkdir(parents=True)
    for name, kind in (("gpu", "0x030200"), ("accelerator", "0x120000"), ("disk", "0x010802")):
        real = devices / "sys/devices/pci0" / name
        real.mkdir(parents=True)
        (real / "class").write_text(f"{kind}\n", "ascii")
        (devices / "sys/bus/pci/devices" / name).symlink_to(real)
    (devices / "sys/bus/pci/devices/broken").mkdir()
    found = {os.path.relpath(each, devices) for each in find_gpus(os.fspath(devices)).readable}
    assert found == {
        *("proc/driver/nvidia", "sys/module/nvidia"),
        *("sys/bus/pci/devices/gpu", "sys/devices/pci0/gpu"),
        *("sys/bus/pci/devices/accelerator", "sys/devices/pci0/accelerator"),
    }


def test_without_a_driver_nothing_is_shown(tmp_path: Path) -> None:
    """Where there is no device, nothing of the machine is shown for it."""
    (tmp_path / "sys/devices/system/cpu").mkdir(parents=True)
    found = find_gpus(os.fspath(tmp_path))
    assert (found.nodes, found.readable) == ((), ())
