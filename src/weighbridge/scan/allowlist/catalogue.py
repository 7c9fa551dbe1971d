"""All packs as one table, loaded when the first name is looked up."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from weighbridge.scan.allowlist.schema import Entry, Pack, parse_pack

PACKS: Final = ("python", "numpy", "torch", "joblib", "scipy", "sklearn", "pandas")
"""The files, in the order in which they are read."""


@cache
def load_packs() -> tuple[Pack, ...]:
    """
    Return every pack.

    Raises:
        ValueError: A file does not follow the form; a bug of ours.
    """
    folder = files("weighbridge.scan.allowlist")
    return tuple(
        parse_pack(folder.joinpath(f"{name}.toml").read_text("utf-8"), source=f"{name}.toml")
        for name in PACKS
    )


@cache
def _table() -> Mapping[str, Entry]:
    """Return all entries by name; a name that occurs twice is a bug of ours."""
    table: dict[str, Entry] = {}
    for pack in load_packs():
        for entry in pack.entries:
            if entry.name in table:
                message = f"{entry.name} is listed twice"
                raise ValueError(message)
            table[entry.name] = entry
    return MappingProxyType(table)


def find_entry(name: str) -> Entry | None:
    """Return the entry of *name* (`module.qualname`), or None: unknown, and so denied."""
    return _table().get(name)
