"""
`torch`: `load` in all its forms, and the native readers that open files by name.

| entry point | of a path | of bytes or a file object |
|---|---|---|
| `torch.load`, with `mmap` too | sealed memory | the file admitted, or the bytes judged |
| `torch.jit.load`, `PyTorchFileReader` (`torch.export`, packages) | sealed memory | likewise |
| unzipped packages (`DirectoryReader`) | verified bytes | |
| `torch.from_file`, `UntypedStorage.from_file` | sealed memory; a shared one is refused | |
"""

import os
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from weighbridge.load.guard.entries.paths import is_path, sealed
from weighbridge.load.guard.entries.replacing import put, replace, replace_method
from weighbridge.load.guard.handing import hand_over, judged
from weighbridge.load.guard.judging import judge_file_in_memory
from weighbridge.load.guard.scopes import Scope, entered
from weighbridge.load.guard.watch import guard

_BY_PATH = (
    "_load_for_lite_interpreter",
    "_load_jit_module_from_file",
    "_load_mobile_module_from_file",
)
_BY_BYTES = (
    "_load_for_lite_interpreter_from_buffer",
    "_load_jit_module_from_bytes",
    "_load_mobile_module_from_bytes",
)


def install(module: ModuleType) -> None:
    """Guard one of PyTorch's modules."""
    match module.__name__:
        case "torch._C":
            _install_native(module)
        case "torch.serialization":
            replace(module, "load", _load)
        case "torch.package._directory_reader":
            replace_method(module.DirectoryReader, "get_record", _record)
        case "torch.package.package_importer":
            replace_method(module.PackageImporter, "load_pickle", _packaged)
        case "torch.storage":
            _install_storage(module)
        case _:
            replace(module, "from_file", _from_file("torch.from_file"))


def _install_native(module: ModuleType) -> None:
    _replace_reader(module)
    replace(module, "import_ir_module", partial(_reader, "torch.jit.load", 1))
    for name in _BY_PATH:
        replace(module, name, partial(_reader, "torch.jit.load", 0))
    replace(module, "import_ir_module_from_buffer", partial(_from_buffer, 1))
    for name in _BY_BYTES:
        replace(module, name, partial(_from_buffer, 0))


def _replace_reader(module: ModuleType) -> None:
    """Guard the reader of archives, which stays a class: `torch.package` asks what is one."""
    original = module.PyTorchFileReader
    if "_weighbridge" in vars(original):
        return

    class PyTorchFileReader(original):  # type: ignore[misc, valid-type]  # the native class
        _weighbridge = True

        def __init__(self, given: Any, *args: Any, **options: Any) -> None:
            if is_path(given):
                given = sealed(given, entry="PyTorchFileReader")
            elif hasattr(given, "read"):
                given, _ = hand_over(given, entry="PyTorchFileReader", judge=_judge)
            super().__init__(given, *args, **options)

    PyTorchFileReader.__module__ = original.__module__
    PyTorchFileReader.__qualname__ = original.__qualname__
    put(module, "PyTorchFileReader", original, PyTorchFileReader)


def _record(original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard the reader of unzipped packages, whose Python files are run."""

    def get_record(self: Any, name: str) -> Any:
        admission = guard().admit(f"{self.directory}/{name}", entry="torch.package")
        return original(self, name) if admission is None else admission.held.read()

    return get_record


def _packaged(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let a package's pickles be a part of it: no importer has a package that nobody allowed."""

    def load_pickle(self: Any, *args: Any, **options: Any) -> Any:
        with entered(Scope(what="a package", verified=True)):
            return original(self, *args, **options)

    return load_pickle


def _load(original: Callable[..., Any]) -> Callable[..., Any]:
    def load(f: Any, *args: Any, **options: Any) -> Any:
        if is_path(f):
            scope = Scope(what=os.fsdecode(f), verified=True)
            file: Any = sealed(f, entry="torch.load")
        else:
            file, scope = hand_over(f, entry="torch.load", judge=_judge)
        with entered(scope):
            return original(file, *args, **options)

    return load


def _judge(data: bytes) -> Scope:
    judge_file_in_memory(data, name="memory.pt")
    return Scope(what="bytes in memory", verified=True)


def _reader(entry: str, position: int, original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard a native function that takes a path, or a file object, as its argument *position*."""

    def read(*args: Any, **options: Any) -> Any:
        if len(args) <= position:
            return original(*args, **options)
        given = args[position]
        if is_path(given):
            given = sealed(given, entry=entry)
        elif hasattr(given, "read"):
            given, _ = hand_over(given, entry=entry, judge=_judge)
        return original(*args[:position], given, *args[position + 1 :], **options)

    return read


def _from_buffer(position: int, original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard a native function that takes bytes as its argument *position*."""

    def read(*args: Any, **options: Any) -> Any:
        if len(args) > position:
            judged(bytes(args[position]), entry="torch.jit.load", judge=_judge)
        return original(*args, **options)

    return read


def _from_file(entry: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
        def from_file(filename: Any, *args: Any, **options: Any) -> Any:
            if _is_shared(args, options):
                if os.path.exists(filename):
                    guard().admit(os.fsdecode(filename), entry=entry)
                return original(filename, *args, **options)
            return original(sealed(filename, entry=entry), *args, **options)

        return from_file

    return guarded


def _is_shared(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Tell whether writing to the tensor is meant to write to the file."""
    return bool(options.get("shared", args[0] if args else False))


def _install_storage(module: ModuleType) -> None:
    storage = module.UntypedStorage
    if "from_file" in vars(storage):
        return
    original = storage.from_file
    guarded = _from_file("UntypedStorage.from_file")(original)
    storage.from_file = staticmethod(guarded)
