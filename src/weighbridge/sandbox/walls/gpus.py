"""
The graphics processors of this machine, as programs that compute on them find them.

What is shown is what CUDA and ROCm open for computing: no displays, and nothing that watches what
others compute. The drivers take requests that no filter here understands.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from weighbridge.core.values import frozen

_NODES: Final = (
    "dev/nvidiactl",
    "dev/nvidia[0-9]*",
    "dev/nvidia-uvm",
    "dev/nvidia-caps/nvidia-cap[0-9]*",
    "dev/dri/renderD[0-9]*",
    "dev/kfd",
)
_TOLD: Final = (
    "proc/driver/nvidia",
    "proc/devices",
    "sys/module/nvidia",
    "sys/module/nvidia_uvm",
    "sys/module/amdgpu",
    "sys/class/kfd",
    "sys/class/drm",
    "sys/devices/virtual/kfd",
    "sys/devices/system/cpu",
    "sys/devices/system/node",
)
_BUS: Final = "sys/bus/pci/devices/*"
_DISPLAYS_AND_ACCELERATORS: Final = ("0x03", "0x12")
"""How the classes of such devices begin (PCI Code and ID Assignment Specification, 1.1)."""


@frozen
class Gpus:
    """
    What a program needs in order to compute on what is there.

    Attributes:
        nodes: Device files, which it reads, writes and sends requests to.
        readable: Files and directories in which the drivers tell of themselves.
    """

    nodes: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()


def find_gpus(root: str = "/", /) -> Gpus:
    """
    Return what there is; nothing where there is no driver.

    Args:
        root: Where `dev`, `proc` and `sys` are.
    """
    top = Path(root)
    nodes = tuple(os.fspath(node) for pattern in _NODES for node in _devices(top, pattern))
    if not nodes:
        return Gpus()
    told = (top / name for name in _TOLD)
    return Gpus(
        nodes=nodes,
        readable=(*(os.fspath(each) for each in told if each.exists()), *_on_bus(top)),
    )


def _devices(top: Path, pattern: str) -> Iterator[Path]:
    """Yield the character devices of that name; what is a link could lead to any device."""
    for found in sorted(top.glob(pattern)):
        if stat.S_ISCHR(found.lstat().st_mode):
            yield found


def _on_bus(top: Path) -> Iterator[str]:
    """Yield the places on the bus of what shows pictures or accelerates, by both their names."""
    for found in sorted(top.glob(_BUS)):
        try:
            kind = (found / "class").read_text("ascii")
        except (OSError, UnicodeDecodeError):
            continue
        if kind.startswith(_DISPLAYS_AND_ACCELERATORS):
            yield os.fspath(found)
            yield os.path.realpath(found)
