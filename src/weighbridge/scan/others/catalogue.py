"""The scanners that are known by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.scan.others.clamav import Clamdscan, Clamscan
from weighbridge.scan.others.interface import Adapter
from weighbridge.scan.others.modelscan import Modelscan
from weighbridge.scan.others.picklescan import Picklescan

ADAPTERS: Final[Mapping[str, Adapter]] = MappingProxyType(
    {
        "clamdscan": Clamdscan(),
        "clamscan": Clamscan(),
        "modelscan": Modelscan(),
        "picklescan": Picklescan(),
    }
)
"""Adapters by name; a policy lists the same names, held by a test."""
