"""
TensorFlow and LiteRT: native readers that open files by name, and again when they like.

| entry point | what it reads |
|---|---|
| `tf.saved_model.load` and what calls it | a directory of links to sealed memory |
| `tf.train.load_checkpoint`, `Checkpoint.restore`, `Saver.restore` | the same, for good |
| `tf.io.gfile.GFile` of what is called like a model | sealed memory |
| `tf.lite.Interpreter`, `ai_edge_litert` | sealed memory, or bytes that are judged |
| `tf.load_op_library`, `tf.load_library` and the like | code, which is looked at |
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from weighbridge.core.errors import WeighbridgeError
from weighbridge.load.guard import watch
from weighbridge.load.guard.entries.paths import is_path, look_at_library, sealed
from weighbridge.load.guard.entries.replacing import put, replace, replace_method
from weighbridge.load.guard.handing import judged
from weighbridge.load.guard.interface import Admission
from weighbridge.load.guard.judging import judge_file_in_memory
from weighbridge.load.guard.scopes import Scope, entered, working
from weighbridge.load.guard.watch import guard
from weighbridge.load.held import HeldFile
from weighbridge.load.shown import show_files, show_for_good
from weighbridge.load.store import Store

_LIBRARIES: Final = (
    "TF_LoadLibrary",
    "TF_LoadPluggableDeviceLibrary",
    "TF_RegisterFilesystemPlugin",
)
_GRAPHS: Final = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")
_SAVED_MODEL: Final = "tf.saved_model.load"
_CHECKPOINT: Final = "tf.train.load_checkpoint"

_places: dict[tuple[int, str], tuple[object, Path]] = {}
"""Directories that are shown for good, by the files of the artifact and the folder in it."""


def install(module: ModuleType) -> None:
    """Guard one of TensorFlow's modules."""
    match module.__name__:
        case "tensorflow.python.saved_model.load":
            replace(module, "load_partial", partial(_saved_model, 0))
        case "tensorflow.python.saved_model.loader_impl":
            replace(module, "load", partial(_saved_model, 2))
            replace_method(module.SavedModelLoader, "__init__", _model_of_version_1)
        case "tensorflow.python.checkpoint.checkpoint":
            replace_method(module.TrackableSaver, "restore", partial(_restore, 0))
        case "tensorflow.python.training.saver":
            replace_method(module.Saver, "restore", partial(_restore, 1))
        case "tensorflow.python.training.py_checkpoint_reader":
            _replace_reader(module)
        case "tensorflow.python.client.pywrap_tf_session":
            for name in _LIBRARIES:
                replace(module, name, _library)
        case "ai_edge_litert._pywrap_litert_compiled_model_wrapper":
            replace(module, "CreateCompiledModelFromFile", _compiled)
            replace(module, "CreateCompiledModelFromBuffer", _compiled)
        case "tensorflow.python.lib.io.file_io":
            replace_method(module.FileIO, "_preread_check", _file)
        case _:
            replace_method(module.Interpreter, "__init__", _interpreter)


def _saved_model(position: int, original: Callable[..., Any]) -> Callable[..., Any]:
    def load(*args: Any, **options: Any) -> Any:
        if len(args) <= position:
            return _with_keyword(original, args, options)
        with _shown(args[position]) as place:
            return original(*args[:position], place, *args[position + 1 :], **options)

    return load


def _with_keyword(
    original: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    with _shown(options.get("export_dir")) as place:
        return original(*args, **options | {"export_dir": place})


def _model_of_version_1(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, export_dir: Any) -> None:  # noqa: N807  it becomes this method
        # It reads the graph now and the variables when it is asked to.
        found = _admitted(export_dir)
        original(self, export_dir if found is None else os.fspath(_kept(*found)))

    return __init__


@contextmanager
def _shown(export_dir: Any) -> Iterator[Any]:
    """Show the verified files of the SavedModel *export_dir*; itself where there is none."""
    found = _admitted(export_dir)
    if found is None:
        yield export_dir
        return
    admission, folder = found
    files = _files_below(admission, folder)
    name = os.path.basename(os.path.abspath(os.fsdecode(export_dir))) or "model"
    try:
        with show_files(files, name=name, store=Store()) as root, entered(_scope(admission)):
            yield os.fspath(root)
    except WeighbridgeError as error:
        guard().refuse(_SAVED_MODEL, error, path=admission.path)


def _admitted(export_dir: Any) -> tuple[Admission, str] | None:
    """Return the SavedModel's graph, and the folder of it in its artifact."""
    if not is_path(export_dir) or "://" in os.fsdecode(export_dir):
        return None
    place = os.fsdecode(export_dir)
    name = next((each for each in _GRAPHS if os.path.exists(os.path.join(place, each))), None)
    if name is None:
        return None  # TensorFlow says so
    return _admit(os.path.join(place, name), entry=_SAVED_MODEL)


def _admit(path: str, *, entry: str) -> tuple[Admission, str] | None:
    admission = guard().admit(path, entry=entry)
    if admission is None:
        return None
    if admission.relative == ".":
        return admission, ""
    return admission, admission.relative.rpartition("/")[0]


def _files_below(admission: Admission, folder: str) -> dict[str, HeldFile]:
    """Return the files that stand in *folder* of the artifact, by their paths there."""
    if admission.relative == ".":
        return {admission.name: admission.held}
    prefix = f"{folder}/" if folder else ""
    return {
        path.removeprefix(prefix): admission.files[path]
        for path in admission.files.paths
        if path.startswith(prefix)
    }


def _scope(admission: Admission) -> Scope:
    return Scope(what=admission.path, verified=True)


def _kept(admission: Admission, folder: str) -> Path:
    """Return a directory that shows *folder* of the artifact from now on."""
    files: object = admission.held if admission.relative == "." else admission.files
    known = _places.get((id(files), folder))
    if known is None:
        with working():
            name = os.path.basename(os.path.dirname(admission.path)) or "model"
            place = show_for_good(_files_below(admission, folder), name=name, store=Store())
        known = _places[id(files), folder] = (files, place)
    return known[1]


def _checkpoint(prefix: Any) -> Any:
    """Return the prefix of the verified files that TensorFlow is to open instead of *prefix*."""
    if not is_path(prefix):
        return prefix
    path = os.fsdecode(prefix)
    if "://" in path:
        return prefix
    for name in (f"{path}.index", path):  # of version 2 and of version 1
        if not os.path.isfile(name):
            continue
        found = _admit(name, entry=_CHECKPOINT)
        if found is None:
            return prefix
        if found[0].relative == "." and name != path:
            # The tensors are in other files, and the rule is about this one alone.
            guard().refuse(
                _CHECKPOINT, "a checkpoint of several files, and no rule about all", path=name
            )
            return prefix
        return os.fspath(_kept(*found) / os.path.basename(path))
    return prefix  # TensorFlow says that there is none


def _restore(position: int, original: Callable[..., Any]) -> Callable[..., Any]:
    def restore(self: Any, *args: Any, **options: Any) -> Any:
        if len(args) > position:
            given = _checkpoint(args[position])
            return original(self, *args[:position], given, *args[position + 1 :], **options)
        if "save_path" in options:
            options["save_path"] = _checkpoint(options["save_path"])
        return original(self, *args, **options)

    return restore


def _replace_reader(module: ModuleType) -> None:
    """Guard the native reader, which stays a class."""
    original = module.CheckpointReader
    if "_weighbridge" in vars(original):
        return

    class CheckpointReader(original):  # type: ignore[misc, valid-type]  # the native class
        _weighbridge = True

        def __init__(self, prefix: Any) -> None:
            super().__init__(os.fsencode(_checkpoint(prefix)))

    CheckpointReader.__module__ = original.__module__
    CheckpointReader.__qualname__ = original.__qualname__
    put(module, "CheckpointReader", original, CheckpointReader)


def _file(original: Callable[..., None]) -> Callable[..., None]:
    def _preread_check(self: Any) -> None:
        name = os.fsdecode(self._FileIO__name)
        if self._read_buf or "://" in name or not watch.is_interesting(name):
            original(self)
            return
        try:
            self._FileIO__name = sealed(name, entry="tf.io.gfile.GFile")
            original(self)
        finally:
            self._FileIO__name = name

    return _preread_check


def _interpreter(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(  # noqa: N807  it becomes this method
        self: Any, model_path: Any = None, model_content: Any = None, *args: Any, **options: Any
    ) -> None:
        if is_path(model_path) and model_path:
            model_path = sealed(model_path, entry="tf.lite.Interpreter")
        elif model_content is not None:
            judged(bytes(model_content), entry="tf.lite.Interpreter", judge=_judge)
        original(self, model_path, model_content, *args, **options)

    return __init__


def _compiled(original: Callable[..., Any]) -> Callable[..., Any]:
    def create(environment: Any, given: Any, *args: Any, **options: Any) -> Any:
        if isinstance(given, str):
            given = sealed(given, entry="litert.CompiledModel")
        else:
            given = bytes(given)
            judged(given, entry="litert.CompiledModel", judge=_judge)
        return original(environment, given, *args, **options)

    return create


def _library(original: Callable[..., Any]) -> Callable[..., Any]:
    def load(path: Any) -> Any:
        look_at_library(path, entry="tf.load_library")
        return original(path)

    return load


def _judge(data: bytes) -> Scope:
    judge_file_in_memory(data, name="memory.tflite")
    return Scope(what="bytes in memory", verified=True)
