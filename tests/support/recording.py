"""CPython's own unpicklers with everything dangerous replaced by inert recorders, as oracles."""

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO


@dataclass
class Recording:
    """
    What an unpickler did.

    Attributes:
        globals: Module and name of each reference, as the stream spells them.
        calls: `module.name` of whatever recorded stub was called, or what it came from.
        builds: The same of each stub that got a state.
        changes: The same of each stub that got items.
        pids: How many persistent ids were loaded.
        finished: Whether STOP was reached.
    """

    globals: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    pids: int = 0
    finished: bool = False


def _make_stub(log: Recording, label: str) -> type:
    """Return a class whose calls, instances, states and items are recorded and have no effect."""

    class Meta(type):
        def __call__(cls, *_args: object, **_kwargs: object) -> object:
            log.calls.append(label)
            return _make_stub(log, f"{label}()")

        def __setitem__(cls, _key: object, _value: object) -> None:
            log.changes.append(label)

    class Stub(metaclass=Meta):
        def __new__(cls, *_args: object, **_kwargs: object) -> type:  # type: ignore[misc]
            log.calls.append(label)
            return _make_stub(log, f"{label}()")

        @classmethod
        def __setstate__(cls, _state: object, /) -> None:
            log.builds.append(label)

        @classmethod
        def extend(cls, _items: object, /) -> None:
            log.changes.append(label)

        append = add = extend

    return Stub


def record(
    data: bytes,
    *,
    pure: bool,
    encoding: str = "ASCII",
    opened: Callable[[bytes], BinaryIO] = io.BytesIO,
) -> Recording:
    """Unpickle *data* with the C or the Python unpickler, with stubs for everything it names."""
    log = Recording()
    base: Any = pickle._Unpickler if pure else pickle.Unpickler

    class Inert(base):  # type: ignore[misc]
        def find_class(self, module: str, name: str, /) -> object:
            log.globals.append((module, name))
            return _make_stub(log, f"{module}.{name}")

        def persistent_load(self, _pid: object, /) -> object:
            log.pids += 1
            return _make_stub(log, "pid")

    unpickler = Inert(opened(data), encoding=encoding)
    try:
        unpickler.load()
    except Exception:  # noqa: BLE001  a broken stream raises anything at all
        return log
    log.finished = True
    return log
