"""
`pickle` and `_pickle`: `load`, `loads` and the two unpicklers, and whatever inherits of them.

| what is unpickled | what happens |
|---|---|
| what was opened as verified bytes, or lies within what is being loaded of them | as it is |
| what `multiprocessing` and the like got from a process of this program | as it is |
| what `dumps` of this process returned, byte for byte | as it is; `own_pickles` |
| a file on disk | the gate decides; the verified bytes are unpickled |
| anything else: bytes, a socket, a member of a zip | one pickle is cut off, judged, unpickled |
"""

from __future__ import annotations

import io
import sys

from weighbridge.load.guard.entries.replacing import put, replace
from weighbridge.load.guard.watch import guard, is_active, local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Final

_OWN: Final = "weighbridge."
_GUARD: Final = "weighbridge.load.guard."
_BUFFERS_THIRD: Final = 3
"""From this many positional arguments on, one may say where buffers go that are no part of it."""
_OWN_PICKLE: Final = "a pickle that this process made"


def install(module: ModuleType) -> None:
    """Guard *module*, which is `_pickle`, `pickle`, or another that has `dumps` of its own."""
    if module.__name__ == "_pickle":
        _replace_class(module)
        replace(module, "load", lambda original: _Load(original, module))
        replace(module, "loads", _Loads)
        replace(module, "dumps", _Dumps)
        return
    if module.__name__ != "pickle":
        replace(module, "dumps", _Dumps)
        return
    _patch_class(module._Unpickler)
    replace(module, "_dumps", _Dumps)
    compiled = sys.modules.get("_pickle")
    if compiled is not None:
        for name in ("load", "loads", "Unpickler", "dumps"):
            setattr(module, name, getattr(compiled, name))


class _Dumps:
    """`dumps`: what it returns is remembered."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __call__(self, /, *args: Any, **options: Any) -> Any:
        data = self._original(*args, **options)
        if not local.working and len(args) < _BUFFERS_THIRD and "buffer_callback" not in options:
            from weighbridge.load.guard.own_pickles import (  # noqa: PLC0415  with the first one
                own,
            )

            own.keep(data)
        return data


class _Loads:
    """`loads`: bytes in memory."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __call__(self, data: Any, /, **options: Any) -> Any:
        how = _passes(sys._getframe(2))
        if how is not None:
            with how:
                return self._original(data, **options)
        from weighbridge.load.guard import judging, scopes  # noqa: PLC0415  with the first pickle
        from weighbridge.load.guard.own_pickles import own  # noqa: PLC0415  likewise

        data = bytes(data)
        if own.made(data):
            guard().allow("pickle.loads", _OWN_PICKLE)
            with scopes.entered(scopes.Scope(what=_OWN_PICKLE)):
                return self._original(data, **options)
        try:
            with scopes.working():
                judged, scope = judging.judge_in_memory(data)
        except judging.Objection as error:
            guard().refuse("pickle.loads", error)
            return self._original(data, **options)
        guard().allow("pickle.loads", "judged")
        with scopes.entered(scope):
            return self._original(judged.content, **options)


class _Load:
    """`load`: by the class that guards."""

    def __init__(self, original: Any, module: ModuleType) -> None:
        self._original = original
        self._module = module

    def __call__(self, file: Any, **options: Any) -> Any:
        how = _passes(sys._getframe(2))
        if how is not None:
            with how:
                return self._original(file, **options)
        return self._module.Unpickler(file, **options).load()


class _Nothing:
    """A scope that changes nothing."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


_NOTHING: Final = _Nothing()


def _passes(frame: Any) -> Any:
    """Return the scope for what is called by *frame* and needs no look; None if it needs one."""
    if local.working or not is_active():
        return _NOTHING
    name = frame.f_globals.get("__name__", "")
    while name.startswith(_GUARD):
        frame = frame.f_back
        name = frame.f_globals.get("__name__", "")
    if name.startswith(_OWN):
        return _NOTHING
    from weighbridge.load.guard import net, scopes  # noqa: PLC0415  with the first pickle

    module = net.module_of(frame)
    if net.is_exchange(module):
        return scopes.entered(scopes.EXCHANGE)
    limited = net.LIMITED_EXCHANGES.get(module)
    if limited is not None:
        return scopes.entered(scopes.Scope(what="what another machine sent", names=limited))
    scope = scopes.current()
    return _NOTHING if scope is not None and (scope.verified or scope.whole) else None


class _Source:
    """
    What an unpickler reads instead of its file: the bytes that it may have.

    The C unpickler keeps these methods; what they read from can be exchanged before each load.
    """

    def __init__(self, file: Any) -> None:
        self.file = file
        self._inner: Any = file
        self._held = False

    def read(self, size: int = -1, /) -> Any:
        """Read."""
        return self._inner.read(size)

    def readinto(self, buffer: Any, /) -> Any:
        """Read into *buffer*."""
        return self._inner.readinto(buffer)

    def readline(self) -> Any:
        """Read a line."""
        return self._inner.readline()

    def peek(self, size: int = 0, /) -> Any:
        """Return what comes without reading it; `NotImplementedError` where the file cannot."""
        peek = getattr(self._inner, "peek", None)
        if peek is None:
            raise NotImplementedError
        return peek(size)

    def prepare(self, entry: str) -> Any:
        """Find out what may be read, and return the scope of it."""
        from weighbridge.load.guard import judging, net, scopes  # noqa: PLC0415  as above
        from weighbridge.load.guard.own_pickles import own  # noqa: PLC0415  as above

        path = net.path_of(self.file)
        verified = scopes.Scope(what=path or "a file", verified=True)
        self._inner = self.file
        self._held = False
        if guard().is_verified(self.file):
            return scopes.entered(verified)
        if path is not None:
            admission = guard().admit(path, entry=entry)
            if admission is None:
                return scopes.entered(verified)
            if isinstance(self.file, net.READERS):
                self._inner = _held_from(admission, self.file.tell())
                self._held = True
                return scopes.entered(verified)
        tap = judging.Tap(self.file)
        try:
            with scopes.working():
                judging.cut_pickle(tap)
                if own.made(tap.data):
                    guard().allow(entry, _OWN_PICKLE)
                    self._inner = io.BufferedReader(io.BytesIO(tap.data))
                    return scopes.entered(scopes.Scope(what=_OWN_PICKLE))
                judged, scope = judging.judge_in_memory(tap.data)
        except judging.Objection as error:
            guard().refuse(entry, error)
            self._inner = io.BufferedReader(io.BytesIO(tap.data))
            return scopes.entered(verified)
        guard().allow(entry, "judged")
        self._inner = io.BufferedReader(io.BytesIO(judged.content))
        return scopes.entered(scope)

    def done(self) -> None:
        """Leave the program's file where it would be after the load."""
        if self._held:
            self.file.seek(self._inner.tell())


def _held_from(admission: Any, position: int) -> Any:
    from weighbridge.load.reader import open_held  # noqa: PLC0415  as above

    file = open_held(admission.held)
    file.seek(position)
    return file


def _source_for(unpickler: object, file: Any, frame: Any) -> _Source | None:
    """Return what *unpickler* is to read instead of *file*; None for *file* itself."""
    if type(unpickler).__module__.startswith(_OWN) or _passes(frame) is not None:
        return None
    return _Source(file)


def _replace_class(module: ModuleType) -> None:
    original = module.Unpickler

    class Unpickler(original):  # type: ignore[misc, valid-type]  # the C class
        def __init__(
            self,
            file: Any,
            *,
            fix_imports: bool = True,
            encoding: str = "ASCII",
            errors: str = "strict",
            buffers: Any = (),
        ) -> None:
            source = _source_for(self, file, sys._getframe(1))
            self._weighbridge = source
            super().__init__(
                file if source is None else source,
                fix_imports=fix_imports,
                encoding=encoding,
                errors=errors,
                buffers=buffers,
            )

        def load(self) -> Any:
            source = getattr(self, "_weighbridge", None)
            if source is None:
                return super().load()
            with source.prepare("pickle.Unpickler"):
                loaded = super().load()
            source.done()
            return loaded

    Unpickler.__module__ = original.__module__
    Unpickler.__qualname__ = original.__qualname__
    Unpickler.__doc__ = original.__doc__
    put(module, "Unpickler", original, Unpickler)


def _patch_class(unpickler: Any) -> None:
    """Guard the unpickler in Python where it stands: others have inherited of it."""
    if hasattr(unpickler, "_weighbridge"):
        return
    begin, load = unpickler.__init__, unpickler.load

    def __init__(self: Any, file: Any, **options: Any) -> None:  # noqa: N807  as the original
        source = _source_for(self, file, sys._getframe(1))
        self._weighbridge = source
        begin(self, file if source is None else source, **options)

    def guarded_load(self: Any) -> Any:
        source = getattr(self, "_weighbridge", None)
        if source is None:
            return load(self)
        with source.prepare("pickle.Unpickler"):
            loaded = load(self)
        source.done()
        return loaded

    unpickler._weighbridge = None
    unpickler.__init__ = __init__
    unpickler.load = guarded_load
