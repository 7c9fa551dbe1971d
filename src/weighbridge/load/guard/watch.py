"""
What the guard does from the first moment on: watch imports, openings and audit events.

This module is loaded at the start of every guarded interpreter, before the program. It imports
what is there anyway, `names`, and nothing else, not even `weighbridge`: the start-up of Python
grows by a millisecond. Everything that decides is imported when something is to be decided
(`guard`).

Four places see what happens:

1. A finder in front of `sys.meta_path` has the entry points of a framework replaced as soon as the
   module that defines them was imported. It never imports a framework by itself.
2. `open` gives out verified bytes for files that are called like models, and for every file of an
   artifact that was verified.
3. Python's own loaders of modules give out verified code of a model that may bring code along.
4. An audit hook is the net below: it cannot redirect, but refuse (`net`).
"""

from __future__ import annotations

import _thread
import builtins
import io
import os
import sys
import time

from weighbridge.load.guard.names import (
    CODE_SUFFIXES,
    CONFIGURATIONS,
    ENTRIES,
    MODEL_MARKS,
    MODEL_SUFFIXES,
    UNSURE_SUFFIXES,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import IO, Any

    from weighbridge.load.guard.guard import Guard

ROOT = "weighbridge"
PACKAGE = "weighbridge.load.guard"

_SIGNATURE = "model.sig"
_PACKAGES = ("site-packages", "dist-packages")
_RUNNERS = ("runpy", "zipimport")
"""Modules of Python that run what they open, whatever it is called."""
_HOME = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
"""Where this package lies."""
_SUFFIX_CHARS = 12
_MOST_FOLDERS = 4096
_TICK_NS = 2_000_000_000
"""File systems tell times apart that are so far from each other: FAT's two seconds are the most."""
_WRITING = os.O_WRONLY | os.O_RDWR
_DESCRIPTORS = "/proc/self/fd/"


class _State:
    """What the guard of this process knows; one instance."""

    def __init__(self) -> None:
        self.installed = False
        self.guard: Guard | None = None
        self.provider: tuple[str, tuple[str, ...]] | None = None
        self.lock = _thread.RLock()
        self.roots: tuple[str, ...] = ()
        """Directories of artifacts that were verified, each with a final slash."""
        self.files: set[str] = set()
        """Artifacts that were verified and are a single file."""
        self.open: Any = io.open
        """Python's own `open`."""
        self.installed_code: tuple[str, ...] = ()
        """Directories of Python and of installed packages, each with a final slash."""
        self.start = ""
        """The directory in which the program was started."""
        self.path: tuple[str, ...] = ()
        """Where Python looked for modules before it knew the program."""
        self.bases: tuple[str, ...] = ()
        """Where rules name directories, each with a final slash."""
        self.above: dict[str, tuple[tuple[int, int], bool, tuple[str, ...]]] = {}
        """Directories of imported code: which they are, if below a base, and what is above them."""
        self.folders: dict[str, tuple[int, tuple[bool, bool]]] = {}
        """Directories: when they were changed, and what marks them as models' (`_marks_in`)."""


state = _State()


class _Local(_thread._local):
    """What the current thread is doing."""

    working = 0
    """How deep in the guard's own work; nothing is guarded there."""
    scopes: tuple[Any, ...] = ()
    """The loads that are going on, the innermost last; see `scopes`."""


local = _Local()


def is_active() -> bool:
    """Tell whether there is a guard in this process."""
    return state.guard is not None or state.provider is not None


def guard() -> Guard:
    """
    Return the guard of this process, which is built when the first decision is due.

    Raises:
        RuntimeError: There is none.
    """
    built = state.guard
    if built is not None:
        return built
    with state.lock:
        if state.guard is None:
            if state.provider is None:
                raise RuntimeError("there is no guard in this process")
            local.working += 1
            try:
                from importlib import import_module  # noqa: PLC0415  only when it is needed

                name, arguments = state.provider
                state.guard = import_module(name).build(*arguments)
            finally:
                local.working -= 1
        return state.guard


def install() -> None:
    """
    Begin to watch; once in a process, and not to be undone.

    Modules that were imported before get their entry points replaced at once.
    """
    if state.installed:
        return
    state.installed = True
    sys.meta_path.insert(0, _Finder())
    builtins.open = _open  # type: ignore[assignment]  # overloads
    io.open = _open  # type: ignore[assignment]  # likewise
    state.installed_code = installed_directories()
    state.path = tuple(each for each in sys.path if each)
    try:
        state.start = os.getcwd()
    except OSError:
        state.start = ""  # it is gone, and nothing lies below it
    _guard_imports()
    sys.addaudithook(_hook)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
    for name in ENTRIES:
        module = sys.modules.get(name)
        if module is not None:
            replace_entries(name, module)


def _after_fork() -> None:
    """Let a child build its guard, though a thread of its parent was about to."""
    state.lock = _thread.RLock()


def replace_entries(name: str, module: ModuleType) -> None:
    """Replace the entry points of *module*, which was imported as *name*."""
    local.working += 1
    try:
        from importlib import import_module  # noqa: PLC0415  only when a framework is imported

        import_module(f"{PACKAGE}.entries.{ENTRIES[name]}").install(module)
    finally:
        local.working -= 1


class _Finder:
    """
    Finds watched modules as the other finders do, and has them guarded once they are loaded.

    What the guard itself imports is not looked at, so it never comes from where the program is: a
    model in the working directory could have it.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """
        Return the spec of a watched module, or of one of the guard's; None for every other one.

        Raises:
            ModuleNotFoundError: The guard's own is not there.
        """
        places = _places_of_own(name) if path is None else None
        if name not in ENTRIES and places is None:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            by_path = getattr(finder, "__name__", "") == "PathFinder"
            spec = finder.find_spec(name, places if by_path and places else path, target)
            if spec is not None:
                if spec.loader is not None and name in ENTRIES:
                    spec.loader = _Loader(spec.loader)  # type: ignore[assignment]  # as above
                return spec
        if places is not None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def _places_of_own(name: str) -> list[str] | None:
    """Return where the module *name* is looked for if the guard imports it; None if it does not."""
    if name == ROOT:
        return [_HOME]
    if not local.working:
        return None
    return [*state.path, *(each for each in sys.path if _is_of_packages(each))]


class _Loader:
    """Loads as the real loader does; a failure to guard what was loaded is a failed import."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Have the real loader make the module."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Have the real loader fill the module, then replace its entry points."""
        self._loader.exec_module(module)
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader
        module.__loader__ = self._loader
        replace_entries(module.__name__, module)


def is_interesting(path: str) -> bool:
    """Tell whether *path* is called like a model, or belongs to one that has to be verified."""
    suffix = path[path.rfind(".", -_SUFFIX_CHARS - 1) + 1 :].lower()
    if suffix in MODEL_SUFFIXES or suffix in UNSURE_SUFFIXES:
        return not path.startswith(_DESCRIPTORS) or "/" in path[len(_DESCRIPTORS) :]
    if is_of_verified(path):
        return True
    folder, name = os.path.split(path)
    return name in CONFIGURATIONS and _is_signed(folder)


def is_of_verified(path: str) -> bool:
    """Tell whether *path* belongs to a model that was verified, as it or the program names it."""
    if not state.roots and not state.files:
        return False
    path = os.path.abspath(path)
    return path.startswith(state.roots) or path in state.files


def is_of_signed(path: str) -> bool:
    """Tell whether *path* belongs to a verified model, or lies where a signature does."""
    return is_of_verified(path) or _is_signed(os.path.dirname(path))


def _open(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,  # noqa: FBT001, FBT002  as above
    opener: Callable[[str, int], int] | None = None,
) -> IO[Any]:
    """Open a file as Python's `open` does: the verified bytes of a model, or an error."""
    if type(file) is not int and opener is None and not local.working and _may_read(mode):
        try:
            path = os.fspath(file)
        except TypeError:
            path = ""
        if type(path) is bytes:
            path = os.fsdecode(path)
        if is_interesting(path):
            served = guard().open(path, mode, buffering, encoding, errors, newline)
            if served is not None:
                return served
    opened: IO[Any] = state.open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    return opened


_open.__name__ = _open.__qualname__ = "open"
_open.__doc__ = io.open.__doc__
_open.__module__ = "_io"


def installed_directories() -> tuple[str, ...]:
    """Return the directories of Python and of installed packages, each with a final slash."""
    found = [os.path.dirname(os.__file__)]
    found += filter(_is_of_packages, sys.path)
    return tuple(dict.fromkeys([f"{each}/" for each in found]))


def _is_of_packages(directory: str) -> bool:
    return os.path.isabs(directory) and os.path.basename(directory) in _PACKAGES


def may_be_brought(path: str) -> bool:
    """Tell whether the code at *path* lies in a directory, or below one, that may be a model's."""
    if path.startswith(state.installed_code) and "/../" not in path:
        return False
    path = os.path.abspath(path)
    if path.startswith(state.installed_code):
        return False
    if is_of_verified(path) or _is_among_models(os.path.dirname(path)):
        return True
    return os.path.islink(path) and _is_among_models(os.path.dirname(os.path.realpath(path)))


def _is_among_models(folder: str) -> bool:
    """Tell whether *folder*, or one above it or above what it leads to, may be a model's."""
    try:
        found = os.stat(folder)
    except OSError:
        return False
    identity = (found.st_dev, found.st_ino)
    known = state.above.get(folder)
    if known is None or known[0] != identity:
        named = any(
            f"{here}/".startswith(state.bases) for here in (folder, os.path.realpath(folder))
        )
        if len(state.above) >= _MOST_FOLDERS:
            state.above.clear()
        known = state.above[folder] = (identity, named, folders_above(folder))
    return known[1] or any(_marks_in(each)[0] for each in known[2])


def folders_above(folder: str) -> tuple[str, ...]:
    """
    Return *folder* and those above it, and above what it leads to, whose marks are about it.

    What lies above the directory in which the program was started, or above that of its file, says
    nothing of the code below: a file that was forgotten at home would make all of it a model's.
    """
    ends = {state.start, os.path.realpath(state.start)} if state.start else set()
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if type(file) is str:
        ends.add(os.path.dirname(os.path.abspath(file)))
        ends.add(os.path.dirname(os.path.realpath(file)))
    above: dict[str, None] = {}
    for lowest in (folder, os.path.realpath(folder)):
        here = lowest
        while here not in above:
            above[here] = None
            if here in ends:
                break
            here = os.path.dirname(here)
    return tuple(above)


def _is_signed(folder: str) -> bool:
    """Tell whether a signature of a model lies in *folder*."""
    return os.path.exists(os.path.join(folder, _SIGNATURE)) or _marks_in(os.path.abspath(folder))[1]


def _marks_in(folder: str) -> tuple[bool, bool]:
    """Tell whether *folder* has anything as only models' directories have; whether a signature."""
    try:
        changed = os.stat(folder).st_mtime_ns
        known = state.folders.get(folder)
        if known is not None and known[0] == changed:
            return known[1]
        names = os.listdir(folder)
    except OSError:
        return False, False
    signed = any(name.startswith("model.") and name.endswith(".sig") for name in names)
    found = signed or not MODEL_MARKS.isdisjoint(names), signed
    if len(state.folders) >= _MOST_FOLDERS:
        state.folders.clear()
    if is_settled(changed):
        state.folders[folder] = (changed, found)
    return found


def is_settled(changed: int) -> bool:
    """Tell whether what was changed at *changed* would have another time if it changed now."""
    return changed < time.time_ns() - _TICK_NS


def _guard_imports() -> None:
    """Have Python's loaders of modules look at code that lies with a model."""
    from _frozen_importlib_external import (  # noqa: PLC0415  what is loaded anyway
        FileLoader,
        SourceFileLoader,
    )

    get_data, set_data = FileLoader.get_data, SourceFileLoader.set_data

    def guarded_get_data(self: Any, path: str) -> bytes:
        # What is no code is data of a package; the file of the module is code whatever its name.
        is_code = path.endswith(CODE_SUFFIXES) or path == getattr(self, "path", None)
        if not is_code or local.working:
            return get_data(self, path)
        if may_be_brought(path):
            code = guard().code(path)
            if code is not None:
                return code
        local.working += 1
        try:
            return get_data(self, path)
        finally:
            local.working -= 1

    def guarded_set_data(self: Any, path: str, data: bytes, **options: Any) -> None:
        # What Python compiled would be a file of the model that nobody signed.
        if not is_of_verified(path):
            set_data(self, path, data, **options)

    FileLoader.get_data = guarded_get_data  # type: ignore[method-assign]  # that is the point
    setattr(SourceFileLoader, "set_data", guarded_set_data)  # noqa: B010  likewise


def _may_read(mode: str) -> bool:
    return type(mode) is str and ("r" in mode)


def _path_to_read(path: Any, mode: Any, flags: Any) -> str | None:
    """Return the path that the event `open` is about; None for what is only written to."""
    if local.working or type(path) is int:
        return None
    if mode is None:
        if type(flags) is int and flags & _WRITING:
            return None
    elif "r" not in mode:
        return None
    if type(path) is not str:
        try:
            path = os.fsdecode(path)
        except TypeError:
            return None  # what is no path is not opened either
    return path  # type: ignore[no-any-return]  # a str by now


def _opened(args: tuple[Any, ...]) -> None:
    """Look at an opening that did not come through `open`, or that it let through."""
    path = _path_to_read(*args)
    if path is None:
        return
    try:
        caller = sys._getframe(2)
    except ValueError:
        return  # the program itself, which Python opens before anything of it runs
    if caller.f_globals.get("__name__") in _RUNNERS:
        if may_be_brought(path):
            guard().code(path)
    elif is_interesting(path) or (
        path.endswith(CODE_SUFFIXES)
        # What `open` lets through is read as text, which is nobody's business here.
        and caller.f_code is not _open.__code__
        and may_be_brought(path)
    ):
        guard().opened(path, caller)


def _imported(args: tuple[Any, ...]) -> None:
    path = args[1]
    if path is not None and not local.working and type(path) is str and may_be_brought(path):
        guard().code(path)


def _library(args: tuple[Any, ...]) -> None:
    name = args[0]
    if local.working or not isinstance(name, (str, bytes)):
        return
    path = os.fsdecode(name)
    if "/" in path and os.path.exists(path) and may_be_brought(path):
        guard().code(path, entry="ctypes.dlopen")


def _found_class(args: tuple[Any, ...]) -> None:
    if not local.working:
        guard().found_class(*args)


def _unmarshalled(args: tuple[Any, ...]) -> None:
    del args
    caller = sys._getframe(2).f_globals.get("__name__", "")
    if not caller.startswith(("importlib", "_frozen_importlib", "zipimport")) and not local.working:
        guard().unmarshalled(caller)


def _executed(args: tuple[Any, ...], folder: Any = None) -> None:
    if not local.working and state.provider is not None:
        guard().executed(args, folder="" if folder is None else os.fsdecode(folder))


def _spawned(args: tuple[Any, ...]) -> None:
    executable, arguments, folder, environment = args
    _executed((executable, arguments, environment), folder)


def forked(args: tuple[Any, ...], folder: Any) -> None:
    """Look at a program that is about to be started without an event (`entries.processes`)."""
    _executed(args, folder)


_HANDLERS = {
    "ctypes.dlopen": _library,
    "import": _imported,
    "open": _opened,
    "pickle.find_class": _found_class,
    "marshal.load": _unmarshalled,
    "marshal.loads": _unmarshalled,
    "subprocess.Popen": _spawned,
    "os.exec": _executed,
    "os.posix_spawn": _executed,
}


def _hook(event: str, args: tuple[Any, ...]) -> None:
    handler = _HANDLERS.get(event)
    if handler is not None:
        handler(args)
