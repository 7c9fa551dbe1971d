"""
Source code that a model brings along and the policy's rule pins, imported from the held bytes.

transformers copies such files to a cache and reads each up to ten times on the way to importing
it. Here a module is made of the very bytes that were verified, and a file that is not pinned does
not exist. Modules are called by the digest of all of them: those of other code are others.
"""

import importlib
import importlib.util
import sys
import types
from collections.abc import Mapping
from hashlib import sha256
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import Lock
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.load.pretrained.interface import Pretrained

PACKAGE: Final = "weighbridge_pinned_code"
_SUFFIX: Final = ".py"


class _Loader(InspectLoader):
    """Makes one module; a source of None is a package without code of its own."""

    def __init__(self, source: bytes | None, origin: str) -> None:
        self._source = source
        self.origin = origin

    def is_package(self, fullname: str) -> bool:
        """Tell whether the module has others below."""
        del fullname
        return self._source is None

    def get_source(self, fullname: str) -> str | None:
        """Return the source, for tracebacks."""
        del fullname
        return None if self._source is None else importlib.util.decode_source(self._source)

    def get_code(self, fullname: str) -> types.CodeType:
        """Compile the held bytes; nothing is read from a cache of byte code."""
        del fullname
        return compile(self._source or b"", self.origin, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """Finds the modules of `PACKAGE`, and no others."""

    def __init__(self) -> None:
        self._loaders: dict[str, _Loader] = {PACKAGE: _Loader(None, f"<{PACKAGE}>")}
        self._lock = Lock()

    def find_spec(
        self, fullname: str, path: object = None, target: object = None, /
    ) -> ModuleSpec | None:
        """Return how to make the module *fullname*; an error for an unknown one of ours."""
        del path, target
        if fullname != PACKAGE and not fullname.startswith(f"{PACKAGE}."):
            return None
        loader = self._loaders.get(fullname)
        if loader is None:
            raise ModuleNotFoundError(
                f"No pinned file of the model is the module {fullname!r}", name=fullname
            )
        spec = ModuleSpec(fullname, loader, origin=loader.origin, is_package=loader.is_package(""))
        spec.has_location = True
        return spec

    def add(self, package: str, sources: Mapping[str, bytes]) -> None:
        """Let *sources*, by their paths, be modules below *package*."""
        with self._lock:
            self._loaders.setdefault(package, _Loader(None, f"<{package}>"))
            for path, source in sources.items():
                *folders, base = path.removesuffix(_SUFFIX).split("/")
                for count in range(1, len(folders) + 1):
                    name = ".".join([package, *folders[:count]])
                    self._loaders.setdefault(name, _Loader(None, f"<{name}>"))
                name = ".".join([package, *folders, base])
                self._loaders[name] = _Loader(source, f"<{package}>/{path}")
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)


_FINDER: Final = _Finder()


def find_pinned_class(reference: str, pretrained: Pretrained) -> type:
    """
    Return the class that *reference*, an entry of `auto_map`, names: `module.Class`.

    Raises:
        ArtifactRefusedError: It is in another repository, or in a file that the rule does not pin.
    """
    path, _, name = reference.rpartition(".")
    file = f"{path.replace('.', '/')}{_SUFFIX}"
    if "--" in reference or file not in pretrained.code or not name.isidentifier():
        raise ArtifactRefusedError(
            "the model refers to code that was not verified",
            code=Code.LOAD_REFUSED,
            where=pretrained.name,
            expected="a class in a file that the rule pins by its digest",
            found=reference[:400],
            hint="Read the code, and pin it in the rule: remote-code, remote-code-digests",
        )
    sources = {each: pretrained.files[each].read() for each in sorted(pretrained.code)}
    package = f"{PACKAGE}.d{_digest(sources)}"
    _FINDER.add(package, sources)
    found = getattr(importlib.import_module(f"{package}.{path}"), name, None)
    if not isinstance(found, type):
        raise ArtifactRefusedError(
            "the pinned code has no such class",
            code=Code.LOAD_REFUSED,
            where=file,
            found=reference[:400],
        )
    return found


def _digest(sources: Mapping[str, bytes]) -> str:
    total = sha256()
    for path, data in sources.items():
        total.update(f"{sha256(data).hexdigest()}  {path}\n".encode())
    return total.hexdigest()
