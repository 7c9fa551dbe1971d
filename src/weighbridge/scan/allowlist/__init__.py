"""Which names a pickle may refer to, and what it may do with each: data, one file a framework."""

from weighbridge.scan.allowlist.catalogue import find_entry, load_packs
from weighbridge.scan.allowlist.schema import Arguments, Entry, Kind, Pack, State

__all__ = ["Arguments", "Entry", "Kind", "Pack", "State", "find_entry", "load_packs"]
