"""
Unpicklers that give a stream the real objects behind its names, and only what was judged.

`find_class` is asked for a name; it answers only if that is the very name that the judged trace of
this stream asks for at this point, and if what is installed under it is what the allow-list says
that it is. An unpickler that reads the stream in any other way than the scan did is stopped at the
first name on which they differ.
"""

import importlib
import io
import pickle
from collections.abc import Callable
from typing import NoReturn, Protocol

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, OperationError
from weighbridge.load.judged import JudgedStream
from weighbridge.scan.allowlist import Entry, Kind

Resolve = Callable[[Entry], object]
"""Gives the object that stands for a listed name."""


def import_entry(entry: Entry) -> object:
    """
    Return the installed object that *entry* names.

    Raises:
        OperationError: The package is not installed, or this release of it has no such name.
    """
    try:
        found: object = importlib.import_module(entry.module)
        for part in entry.qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        package = entry.module.partition(".")[0]
        raise OperationError(
            f"the pickle needs {entry.name}, which is not installed: {error}",
            code=Code.EXTRA_MISSING,
            hint=f"Install the release of {package} that the model was made with",
        ) from error
    is_class = isinstance(found, type)
    fits = is_class if entry.kind in {Kind.CLASS, Kind.ENUM} else True
    if entry.kind is Kind.FUNCTION:
        fits = callable(found)
    if not fits:
        raise ArtifactRefusedError(
            f"{entry.name} is not what the allow-list says",
            code=Code.LOAD_REFUSED,
            expected=entry.kind,
            found=type(found).__name__,
        )
    return found


class References:
    """Answers `find_class` along one judged stream."""

    def __init__(self, stream: JudgedStream, resolve: Resolve, *, where: str) -> None:
        self._expected = iter(stream.references)
        self._resolve = resolve
        self._where = where

    def find(self, module: str, name: str) -> object:
        """
        Return the object of the next judged reference, if it is *name* in *module*.

        Raises:
            ArtifactRefusedError: The stream asks for something else than the scan saw.
        """
        expected = next(self._expected, None)
        if expected is None or expected.spelled not in ((module, name), f"{module}.{name}"):
            raise differs(self._where, f"{module}.{name}"[:200])
        return self._resolve(expected.entry)

    def finish(self) -> None:
        """Refuse a stream that asked for less than the scan saw."""
        left = next(self._expected, None)
        if left is not None:
            raise differs(self._where, f"no {left.entry.name}")


class PlainUnpickler(pickle.Unpickler):
    """CPython's C unpickler, for one stream without raw arrays."""

    def __init__(self, content: bytes, references: References) -> None:
        super().__init__(io.BytesIO(content))
        self._references = references

    def find_class(self, module: str, name: str, /) -> object:
        """Return what was judged."""
        return self._references.find(module, name)

    def persistent_load(self, pid: object, /) -> NoReturn:
        """Refuse: only other programs' pickles refer to things outside of them."""
        raise pickle.UnpicklingError(f"a persistent id of type {type(pid).__name__}")


def load_plain(content: bytes, stream: JudgedStream, resolve: Resolve, *, where: str) -> object:
    """
    Return the object that *stream* in *content* describes.

    Raises:
        ArtifactRefusedError: The unpickler read another stream than the scan.
        OperationError: A package is missing, or what is installed does not take its own objects.
    """
    references = References(stream, resolve, where=where)
    loaded: object = PlainUnpickler(content[stream.start : stream.end], references).load()
    references.finish()
    return loaded


class ArrayReader(Protocol):
    """What reads the raw arrays of joblib; see `load.joblib_arrays`."""

    def stands_for_array(self, value: object, /) -> bool:
        """Tell whether *value* announces an array."""
        ...

    def read(self, value: object, at: int, /) -> tuple[object, int]:
        """Return the array that *value* announces at *at*, and where the stream goes on."""
        ...


class JoblibUnpickler(pickle._Unpickler):  # noqa: SLF001  the one that can be extended, as joblib's is
    """The unpickler in Python, which takes a raw array wherever one was judged to be."""

    dispatch = dict(pickle._Unpickler.dispatch)  # noqa: RUF012, SLF001  as the class has it

    def __init__(self, content: bytes, references: References, arrays: ArrayReader) -> None:
        self._file = io.BytesIO(content)
        super().__init__(self._file)
        self._references = references
        self._arrays = arrays

    def find_class(self, module: str, name: str) -> object:
        """Return what was judged."""
        return self._references.find(module, name)

    def persistent_load(self, pid: object) -> NoReturn:
        """Refuse: only other programs' pickles refer to things outside of them."""
        raise pickle.UnpicklingError(f"a persistent id of type {type(pid).__name__}")

    def load_build(self) -> None:
        """Set a state, and put the array in the place of what announces it."""
        super().load_build()  # type: ignore[misc]  # typeshed leaves out how it works
        stack: list[object] = self.stack  # type: ignore[attr-defined]  # as above
        if self._arrays.stands_for_array(stack[-1]):
            stack[-1], end = self._arrays.read(stack[-1], self._file.tell())
            self._file.seek(end)

    dispatch[pickle.BUILD[0]] = load_build  # type: ignore[assignment]  # as above


def load_joblib(
    content: bytes, stream: JudgedStream, resolve: Resolve, arrays: ArrayReader, *, where: str
) -> object:
    """
    Return the object that *stream*, which starts *content*, describes, arrays included.

    Raises:
        ArtifactRefusedError: The unpickler read another stream than the scan.
        OperationError: A package is missing, or what is installed does not take its own objects.
    """
    references = References(stream, resolve, where=where)
    loaded: object = JoblibUnpickler(content, references, arrays).load()
    references.finish()
    return loaded


def differs(where: str, found: str) -> ArtifactRefusedError:
    """Build the error for a stream that an unpickler reads in another way than the scan."""
    return ArtifactRefusedError(
        "the pickle is read in another way than it was judged",
        code=Code.LOAD_REFUSED,
        where=where,
        expected="what the scan saw at this point",
        found=found,
        hint="This is an attack or a mistake of ours: please report it",
    )
