"""
Files of HDF5, which its library opens by name.

| entry point | what it reads |
|---|---|
| `h5py.File` | a file object on the verified bytes, which HDF5 takes as it takes a file |
| `tables.File` (PyTables, `pandas.read_hdf`) | the verified bytes as an image in memory |
"""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from weighbridge.load.guard.entries.paths import is_path
from weighbridge.load.guard.entries.replacing import replace_method
from weighbridge.load.guard.handing import hand_over, judged
from weighbridge.load.guard.judging import judge_file_in_memory
from weighbridge.load.guard.scopes import Scope
from weighbridge.load.guard.watch import guard
from weighbridge.load.reader import open_held

_ENTRY: Final = "h5py.File"
_TABLE: Final = "tables.File"
_IMAGE: Final = "driver_core_image"
_CORE: Final = "H5FD_CORE"
_IN_MEMORY: Final = {"driver": _CORE, "driver_core_backing_store": 0}


def install(module: ModuleType) -> None:
    """Guard `h5py._hl.files` or `tables.file`."""
    file = module.File
    if module.__name__ == "tables.file":
        replace_method(file, "__init__", _table)
    elif not hasattr(file, "_weighbridge"):
        file._weighbridge = True
        file.__init__ = _guarded(file.__init__)


def _guarded(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, name: Any, mode: Any = "r", *args: Any, **options: Any) -> None:  # noqa: N807  it becomes this method
        given = name
        if is_path(name):
            given = _file(os.fsdecode(name), mode)
            if given is None:
                given = name
            elif args or options.get("driver") not in {None, "fileobj"}:
                args, options = (), {"driver": None}
        elif hasattr(name, "read") and mode in {None, "r"}:
            given, _ = hand_over(name, entry=_ENTRY, judge=_judge)
        original(self, given, mode, *args, **options)

    return __init__


def _table(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, filename: Any, mode: Any = "r", *args: Any, **options: Any) -> None:  # noqa: N807  it becomes this method
        path = os.path.expanduser(os.fsdecode(filename))
        # It takes parameters in capitals too, and warns.
        options = {name.lower(): value for name, value in options.items()}
        if options.get("driver") == _CORE and options.get(_IMAGE) is not None:
            judged(bytes(options[_IMAGE]), entry=_TABLE, judge=_judge)
        elif mode in {"r", "r+"} or (mode == "a" and os.path.exists(path)):
            admission = guard().admit(path, entry=_TABLE)
            # A file that is written to is checked, and then opened by its name.
            if admission is not None and mode == "r":
                options |= _IN_MEMORY | {_IMAGE: admission.held.read()}
                filename = f"{path} (verified)"  # HDF5 wants that there is no such file
        original(self, filename, mode, *args, **options)

    return __init__


def _file(path: str, mode: Any) -> Any:
    """Return a file object of the verified bytes; None for the file itself."""
    if mode not in {None, "r", "r+", "a"} or (mode == "a" and not os.path.exists(path)):
        return None
    admission = guard().admit(path, entry=_ENTRY)
    # A file that is written to is checked, and then opened by its name.
    return None if admission is None or mode in {"r+", "a"} else open_held(admission.held)


def _judge(data: bytes) -> Scope:
    judge_file_in_memory(data, name="memory.h5")
    return Scope(what="bytes in memory", verified=True)
